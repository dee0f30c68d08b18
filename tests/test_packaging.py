"""The wheel, installed in a new environment, works outside the checkout and holds every module."""

import json
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT

PARTS = ("data", "models", "training", "configs")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Wheel and sdist of a copy of the tracked files (a build folder left by an older build would leak into it)."""
    source, output = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    listing = ["git", "ls-files", "-coz", "--exclude-standard"]
    tracked = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True)
    for name in tracked.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(output), str(source)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return output


def test_the_wheel_holds_every_module_config_and_corpus_file_and_nothing_else(built):
    (wheel,) = built.glob("*.whl")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    expected = set()
    for part in PARTS:
        for path in (ROOT / part).rglob("*"):
            if {"__pycache__", "stance-minilm"} & set(path.parts):  # the encoder stays in the repository
                continue
            if path.suffix in {".py", ".yaml", ".jsonl", ".md", ".txt", ".html"}:
                expected.add(f"actorstance/{path.relative_to(ROOT)}")
    assert held == expected


def test_the_sdist_builds_from_itself(built):
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "models/modeling.py", "data/corpus/train.jsonl"} <= names


def test_a_new_environment_classifies_from_outside_the_checkout(built, trained, tmp_path):
    (wheel,) = built.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel], check=True)
    # The dependencies are lent by this environment, without its editable install of the project.
    (site,) = (tmp_path / "venv").glob("lib/python3*/site-packages")
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    code = f"""
import actorstance.models, json
assert {str(ROOT)!r} not in actorstance.models.__file__, actorstance.models.__file__
from actorstance.models import StanceClassifier
classifier = StanceClassifier.from_pretrained({str(trained)!r})
prediction = classifier.predict("Drennia rejects the naval pact.", actor="Drennia", target="the naval pact")
from actorstance.data import load_split
from importlib import resources
rows = len(load_split(str(resources.files("actorstance.data") / "corpus" / "test.jsonl")))
print(json.dumps([prediction.stance, rows, (resources.files("actorstance.configs") / "default.yaml").is_file()]))
"""
    done = subprocess.run([python, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    stance, rows, config = json.loads(done.stdout.splitlines()[-1])
    assert stance == "against" and rows > 100 and config


def test_no_part_has_the_name_of_a_standard_folder_in_site_packages(built):
    (wheel,) = built.glob("*.whl")
    tops = {Path(name).parts[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"actorstance"}
