"""Show who stands where in an article, with the sentence that carries each position.

python scripts/analyze.py runs/default article.txt
python scripts/analyze.py runs/default article.txt --target "the grain deal" --output table.html
"""

import argparse
import shutil
import sys
from pathlib import Path


def main() -> int:
    # 1. What is asked for.
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="run folder, or a model of this kind on the Hugging Face Hub")
    parser.add_argument("article", type=Path, help="plain text in UTF-8")
    parser.add_argument("--target", action="append", metavar="NAME", help="ask about this target only; repeatable")
    parser.add_argument("--targets", type=Path, metavar="FILE", help="targets in the form of data/targets.yaml")
    parser.add_argument("--actors", type=Path, metavar="FILE", help="actors in the form of data/actors.yaml")
    parser.add_argument("--output", type=Path, help="write the table to this .json, .csv or .html file")
    parser.add_argument("--overwrite", action="store_true", help="replace the output if it exists")
    arguments = parser.parse_args()

    from actorstance.data.files import write_atomically
    from actorstance.models import StanceClassifier
    from actorstance.models.analysis import analyze
    from actorstance.models.lexicon import Target, load_actors, load_targets
    from actorstance.models.tables import SUFFIXES, as_file, as_text

    try:
        # 2. Everything that can be wrong, before the model is loaded.
        output = arguments.output
        if output and output.suffix not in SUFFIXES:
            raise ValueError(f"{output}: expected a file name ending in {', '.join(SUFFIXES)}")
        if output and output.exists() and not arguments.overwrite:
            raise FileExistsError(f"{output} already exists; choose another name, or --overwrite")
        try:
            article = arguments.article.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise ValueError(f"{arguments.article}: invalid UTF-8 at byte {error.start}; save it as UTF-8") from None
        if not article.strip():
            raise ValueError(f"{arguments.article}: empty; expected an article as plain text")
        actors = load_actors(arguments.actors)
        targets = load_targets(arguments.targets)
        if arguments.target:
            known = {target.name: target for target in targets}
            targets = [known.get(name) or Target.named(name) for name in arguments.target]

        # 3. The analysis.
        positions = analyze(article, StanceClassifier.from_pretrained(arguments.run), actors, targets)

        # 4. The table.
        print(as_text(positions, width=shutil.get_terminal_size((140, 40)).columns))
        if output:
            write_atomically(output, as_file(positions, output.suffix, arguments.article.name))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
