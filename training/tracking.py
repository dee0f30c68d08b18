"""Weights & Biases, kept at arm's length.

wandb runs in a process of its own that is fed through a queue. Whatever happens there (no key, no network, a full disk,
a hang) training neither stops nor waits longer than `tracking.timeout` seconds at its start and at its end.
"""

import logging
import multiprocessing
import os
import queue
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .config import RunConfig

_log = logging.getLogger(__name__)

# At its end a run with artifacts waits so many times as long: a model may take minutes to upload.
_UPLOAD_PATIENCE = 10


class Tracker:
    """One wandb run.

    Args:
        config: the whole resolved config becomes the wandb run's; `config.tracking` says where it goes.
        folder: the run folder; wandb's files go to `wandb/` in it.
        facts: more to record with the config, such as the corpus fingerprint.
        run_id: the wandb run's id; a resumed run goes on under the same one.
        enabled: of several training processes, only one tracks.
    """

    def __init__(
        self, config: RunConfig, folder: Path, facts: Mapping[str, Any], run_id: str, *, enabled: bool = True
    ) -> None:
        self._timeout = config.tracking.timeout
        self._end_timeout = self._timeout
        self._process: Any = None
        if config.tracking.mode == "disabled" or not enabled:
            return
        context = multiprocessing.get_context("spawn")
        self._queue: Any = context.Queue()
        self._answers: Any = context.Queue()
        settings = {
            "id": run_id,
            "name": config.name,
            "config": config.model_dump() | {"facts": dict(facts)},
            "dir": str(folder.resolve()),
            "mode": config.tracking.mode,
            **config.tracking.model_dump(include={"project", "entity", "group", "job_type", "tags"}),
        }
        arguments = (settings, self._timeout, os.getpid(), self._queue, self._answers)
        try:
            self._process = context.Process(target=_track, args=arguments, daemon=True)
            self._process.start()
        except OSError as error:
            self._give_up(str(error))
            return
        self._wait("start", self._timeout)

    def log(self, values: Mapping[str, Any], step: int) -> None:
        """Record numbers at a training step."""
        self._send("log", dict(values), step)

    def summarize(self, values: Mapping[str, Any]) -> None:
        """Record numbers that describe the whole run."""
        self._send("summarize", dict(values))

    def table(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Record a table."""
        self._send("table", name, list(columns), [list(row) for row in rows])

    def confusion(self, name: str, gold: Sequence[int], predicted: Sequence[int], labels: Sequence[str]) -> None:
        """Record a confusion matrix from class indices."""
        self._send("confusion", name, list(gold), list(predicted), list(labels))

    def images(self, paths: Mapping[str, Path]) -> None:
        """Record pictures from files, by name."""
        self._send("images", {name: str(path) for name, path in paths.items()})

    def artifact(
        self, name: str, kind: str, paths: Mapping[str, Path], facts: Mapping[str, Any], *, used: bool
    ) -> None:
        """Record files as a version of an artifact: one that the run used, or one that it made.

        A run that is offline can't ask for versions that exist, so what it used counts as made by it there.

        Args:
            name: of the artifact, the same for all its versions.
            kind: such as dataset or model.
            paths: files by their names in the artifact, without suffix. wandb copies what the run used, which may be
                edited before it is uploaded, and not what it made.
            facts: more to say of this version.
            used: whether the run used it.
        """
        self._end_timeout = _UPLOAD_PATIENCE * self._timeout
        files = {f"{inside}{path.suffix}": str(path) for inside, path in paths.items()}
        self._send("artifact", name, kind, files, dict(facts), used)

    def finish(self, exit_code: int = 0) -> None:
        """Let wandb write or upload what is left, for at most `tracking.timeout` seconds; with artifacts, ten times."""
        if self._process is None:
            return
        self._send("finish", exit_code)
        self._wait("finish", self._end_timeout)
        if self._process is not None:
            self._process.join(self._timeout)
            self._stop()

    def _send(self, action: str, *arguments: Any) -> None:
        if self._process is not None:
            self._queue.put((action, arguments))

    def _wait(self, action: str, timeout: int) -> None:
        """Wait for the process's answer to an action, or for its end."""
        waited = 0.0
        while waited < timeout:
            try:
                failure = self._answers.get(timeout=0.5)
            except queue.Empty:
                waited += 0.5
                if self._process.is_alive():
                    continue
                failure = f"its process ended with exit code {self._process.exitcode}"
            if failure:
                self._give_up(failure)
            return
        self._give_up(f"no answer to {action} within {timeout} seconds (see tracking.timeout)")

    def _give_up(self, reason: str) -> None:
        _log.warning("wandb: %s. The run goes on without tracking; its folder has all results.", reason)
        self._stop()

    def _stop(self) -> None:
        if self._process is not None and self._process.is_alive():
            self._process.kill()
        self._process = None
        self._queue.cancel_join_thread()  # else Python would wait at exit for a reader that is gone


def _track(settings: dict[str, Any], timeout: int, watched_pid: int, orders: Any, answers: Any) -> None:
    """The tracking process: open the run, carry out orders until `finish`. Answers None or what went wrong."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the training's to handle; it sends `finish`
    parent = multiprocessing.parent_process()
    try:
        run = _open(settings, timeout, watched_pid)
        answers.put(None)
        while True:
            try:
                action, arguments = orders.get(timeout=5)
            except queue.Empty:
                if parent is None or parent.is_alive():
                    continue
                run.finish(exit_code=1)  # the training was killed: leave no run that looks alive
                return
            if action == "finish":
                run.finish(*arguments)
                answers.put(None)
                return
            _record(run, action, arguments)
    except Exception as error:  # whatever wandb raises must not reach the training
        answers.put(f"{type(error).__name__}: {error}")


def _open(settings: dict[str, Any], timeout: int, watched_pid: int) -> Any:
    import wandb

    if settings["mode"] == "auto":
        settings["mode"] = os.environ.get("WANDB_MODE") or ("online" if _logged_in() else "offline")
    # A third of the time for each of: asking the server, going offline instead, and leaving some.
    options = wandb.Settings(init_timeout=timeout / 3, x_stats_pid=watched_pid, console="off", quiet=True)
    try:
        return wandb.init(**settings, resume="allow", settings=options)
    except wandb.Error as error:
        if settings["mode"] == "offline":
            raise
        wandb.termwarn(f"{error}; tracking offline instead, `wandb sync` uploads the run later")
        return wandb.init(**settings | {"mode": "offline"}, resume="allow", settings=options)


def _logged_in() -> bool:
    import wandb

    try:
        return bool(wandb.login(prompt=False))
    except wandb.Error as error:  # there is a key, but no network or no such account
        wandb.termwarn(f"{error}; tracking offline, `wandb sync` uploads the run later")
        return False


def _record(run: Any, action: str, arguments: tuple[Any, ...]) -> None:
    import wandb

    if action == "log":
        values, step = arguments
        run.log(values, step=step)
    elif action == "summarize":
        run.summary.update(*arguments)
    elif action == "table":
        name, columns, rows = arguments
        run.log({name: wandb.Table(columns=columns, data=rows)})
    elif action == "images":
        (paths,) = arguments
        run.log({name: wandb.Image(path) for name, path in paths.items()})
    elif action == "artifact":
        name, kind, paths, facts, used = arguments
        artifact = wandb.Artifact(name, type=kind, metadata=facts)
        for inside, path in paths.items():
            artifact.add_file(path, name=inside, policy="mutable" if used else "immutable")
        if used and not run.offline:
            run.use_artifact(artifact)
        else:
            run.log_artifact(artifact)
    elif action == "confusion":
        name, gold, predicted, labels = arguments
        run.log({name: wandb.plot.confusion_matrix(y_true=gold, preds=predicted, class_names=labels)})
