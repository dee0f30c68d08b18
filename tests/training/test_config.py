"""Configs: what is shipped loads, and every mistake is named."""

import pytest
from actorstance.training.config import ConfigError, load_config
from conftest import ROOT


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.name)
def test_every_shipped_config_loads(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    config = load_config(path)
    assert config.name == path.stem
    assert f"configs/{path.name}" in path.read_text().split("\n\n")[0], "its header shows the command"


def test_extends_and_overrides(tiny_config):
    config = load_config(tiny_config, ["training.epochs=2", "seed=7", "model.query_template={actor} supports {target}"])
    assert config.training.epochs == 2 and config.seed == 7
    assert config.training.learning_rate == 3e-3
    assert config.model.query_template == "{actor} supports {target}"
    assert config.model.pooling == "mean"


def test_the_resolved_config_reads_back_the_same(tiny_config, tmp_path):
    config = load_config(tiny_config, ["tracking.group=no", "tracking.tags=[a, 'off', '0o7', '1e3']"])
    (tmp_path / "resolved.yaml").write_text(config.to_yaml())
    assert load_config(tmp_path / "resolved.yaml") == config
    assert config.tracking.group == "no" and config.tracking.tags == ["a", "off", "0o7", "1e3"]


def test_all_mistakes_at_once_each_with_file_and_key(tiny_config, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        f"""
extends: {tiny_config}
training: {{learning_rte: 1e-4, epochs: many, learning_rate: -1, batch_size: 2.5}}
model: {{pooling: max, query_template: "{{actor}} alone"}}
data: {{train: nowhere.jsonl}}
"""
    )
    with pytest.raises(ConfigError) as caught:
        load_config(path, ["seed=-1", "tracking.mode=off", "epochs"])
    message = str(caught.value)
    for expected in [
        f"{path}: training.learning_rte: unknown key; did you mean 'learning_rate'?",
        f"{path}: training.epochs: ",
        f"{path}: training.learning_rate: ",
        f"{path}: training.batch_size: ",
        f"{path}: model.pooling: ",
        f"{path}: model.query_template: expected {{actor}} and {{target}}",
        f"{path}: data.train: expected an existing file",
        "command line: seed: ",
        "command line: tracking.mode: ",
        "command line: expected section.key=value, found 'epochs'",
    ]:
        assert expected in message, expected
    assert len(message.splitlines()) == 10


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: 1\na: 2", "duplicate key"),
        ("a: [", "not readable as YAML"),
        ("- a", "expected keys with values, found list"),
        ("extends: missing.yaml", "missing.yaml: no such config file"),
        ("extends: mine.yaml", "extends itself"),
        ("name: !!python/object/apply:os.system [ls]", "not readable as YAML"),
        ("name: default", "data: missing"),
        ("training: 5", "training: "),
        ("name: 2026-11-23", "mine.yaml: "),
        ("name: ???", "mine.yaml: "),
        ("name: ${nothing}", "mine.yaml: "),
    ],
)
def test_unreadable_configs_say_why(tmp_path, content, message):
    path = tmp_path / "mine.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=message):
        load_config(path)


def test_a_list_where_a_section_belongs_is_one_mistake_among_others(tiny_config):
    with pytest.raises(ConfigError) as caught:
        load_config(tiny_config, ["training=[1]", "tracking.tags={a: 1}", "seed=-1"])
    assert len(str(caught.value).splitlines()) >= 3 and "command line: seed" in str(caught.value)


def test_missing_config(tmp_path):
    with pytest.raises(ConfigError, match="no such config file"):
        load_config(tmp_path / "none.yaml")


def test_dry_run_prints_the_config_and_does_nothing_else(command, tiny_config, tmp_path):
    result = command("train", tiny_config, "--dry-run", f"output_dir={tmp_path / 'runs'}", "seed=5")
    assert result.status == 0 and "seed: 5" in result.out
    assert not (tmp_path / "runs").exists()


def test_a_broken_config_is_an_error_status(command, tiny_config):
    result = command("train", tiny_config, "training.epoch=3")
    assert result.status == 1
    assert "command line: training.epoch: unknown key; did you mean 'epochs'?" in result.err
