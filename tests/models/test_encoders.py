"""A trained encoder is saved, loads again, and is what the next training starts from."""

import torch
from actorstance.training.config import load_config
from actorstance.training.fit import build_model
from safetensors.torch import load_file, save_file


def test_a_saved_encoder_is_where_training_starts(command, tiny_config, trained, tmp_path, capfd):
    folder = tmp_path / "encoder"
    assert command("save_encoder", trained, folder).status == 0
    saved = load_file(folder / "model.safetensors")
    assert {weights.dtype for weights in saved.values()} == {torch.float16}
    capfd.readouterr()
    model, tokenizer = build_model(load_config(tiny_config, [f"model.encoder={folder}"]))
    printed = capfd.readouterr()
    assert "MISSING" not in printed.out + printed.err
    learned = load_file(trained / "model.safetensors")
    for name, weights in model.encoder.state_dict().items():
        assert weights.dtype == torch.float32
        torch.testing.assert_close(weights, learned[f"encoder.{name}"], rtol=1e-3, atol=1e-4)
    assert tokenizer("Veloria backs it.")["input_ids"]

    again = command("save_encoder", trained, folder)
    assert again.status == 1 and "holds an encoder already" in again.err


def test_an_encoder_without_all_its_weights_is_refused(command, tiny_config, trained, tmp_path):
    folder = tmp_path / "encoder"
    assert command("save_encoder", trained, folder).status == 0
    weights = load_file(folder / "model.safetensors")
    del weights["encoder.layer.1.output.dense.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    result = command("train", tiny_config, f"model.encoder={folder}", f"output_dir={tmp_path}")
    assert result.status == 1 and "missing: encoder.layer.1.output.dense.weight" in result.err
