"""Save a trained model's encoder, for other models to start from.

python scripts/save_encoder.py runs/student models/stance-minilm
python scripts/train.py configs/default.yaml model.encoder=models/stance-minilm
"""

import argparse
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="run folder, or a model of this kind on the Hugging Face Hub")
    parser.add_argument("folder", type=Path, help="where the encoder goes: 16-bit weights, configuration and tokenizer")
    arguments = parser.parse_args()

    from actorstance.models.encoders import save_encoder

    try:
        save_encoder(arguments.run, arguments.folder)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"The encoder is in {arguments.folder}: model.encoder={arguments.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
