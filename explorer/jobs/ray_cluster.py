"""A client of a Ray cluster: Ray's REST interface for jobs, with short timeouts and our own sentences for faults.

The interface is the one that ``ray job submit`` uses. The machine that hands over the jobs needs no Ray of its own.
See https://docs.ray.io/en/latest/cluster/running-applications/job-submission/rest.html
"""

import json
import os
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from explorer.errors import ExplorerError, shown
from explorer.i18n import _

TIMEOUT = 5.0  # seconds for a question
SUBMIT_TIMEOUT = 20.0  # seconds for a submission: the first one after the cluster's start takes seconds
LEAST, MOST = (2, 52), (3, 0)  # versions of Ray that fit: tokens came with 2.52
MAX_ANSWER = 20_000_000  # bytes
TOKEN, TOKEN_FILE = "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"  # variables that Ray reads, too
RESOURCES = ("CPU", "GPU")


class ClusterError(ExplorerError):
    """The cluster can't be used at the moment. The message says why, and what to do."""


class RefusedError(ExplorerError):
    """The cluster refuses a request."""


class UnknownJobError(ExplorerError):
    """The cluster does not know a job, for example because its head was restarted."""


@dataclass(frozen=True)
class JobInfo:
    """The cluster's information about a job.

    Attributes:
        status: Ray's state: ``PENDING``, ``RUNNING``, ``STOPPED``, ``SUCCEEDED`` or ``FAILED``.
        message: Ray's words about the state, with the last lines that the job has printed.
        error: Kind of the error of a failed job, or empty.
        exit_status: Exit status of the job's first process. None if it has not ended, or was killed with its node.
    """

    status: str
    message: str = ""
    error: str = ""
    exit_status: int | None = None

    @property
    def has_ended(self) -> bool:
        """Whether the job has ended."""
        return self.status not in {"PENDING", "RUNNING"}


@dataclass(frozen=True)
class Capacity:
    """The resources of a cluster.

    Attributes:
        nodes: Resources of each node that lives.
        free: Resources that no job holds, by name. Empty if the cluster does not say.
    """

    nodes: tuple[dict[str, float], ...] = ()
    free: dict[str, float] | None = None

    @property
    def has_gpus(self) -> bool:
        """Whether any node has a GPU."""
        return any(node.get("GPU", 0) >= 1 for node in self.nodes)


class Cluster:
    """A Ray cluster, by the address of its dashboard."""

    def __init__(self, address: str, *, insecure: bool = False) -> None:
        """Prepares the client. It connects with the first question.

        Args:
            address: Address of the dashboard, such as ``http://head.lab.edu:8265``.
            insecure: Whether a cluster is used that asks for no token.
        """
        self.address = address
        self.insecure = insecure

    def check(self) -> None:
        """Checks that the cluster can be reached, is protected, accepts our token, and has a version that fits.

        Raises:
            ClusterError: If one of these is not so.
        """
        mode = self._mode()
        if mode != "token" and not self.insecure:
            raise ClusterError(
                _(
                    "the Ray cluster {address} accepts jobs from everybody who reaches it: switch on its token "
                    "authentication (RAY_AUTH_MODE=token), or set EXPLORER_RAY_INSECURE=true if nobody else does"
                ).format(address=self.address)
            )
        version = str(self._ask("GET", "/api/version").get("ray_version", ""))
        if not LEAST <= _numbers(version) < MOST:
            raise ClusterError(
                _(
                    "the cluster {address} runs Ray {found}; this product needs {least} or newer, but below {most}"
                ).format(address=self.address, found=shown(version), least=_dotted(LEAST), most=_dotted(MOST))
            )

    def _mode(self) -> str:
        try:
            answer = self._ask("GET", "/api/authentication_mode")
        except UnknownJobError:  # not found: a Ray without tokens, or another program
            return ""
        return str(answer.get("authentication_mode", ""))

    def submit(self, submission: dict[str, Any]) -> None:
        """Submits a job. The fields are those of Ray's ``JobSubmitRequest``.

        Raises:
            ClusterError: If the cluster can't be used.
            RefusedError: If it refuses the job.
        """
        try:
            self._ask("POST", "/api/jobs/", submission, SUBMIT_TIMEOUT)
        except RefusedError as error:
            if "already exists" not in str(error):  # the answer to an earlier submission was lost
                raise

    def info(self, submission_id: str) -> JobInfo:
        """Returns the state of a job.

        Raises:
            ClusterError: If the cluster can't be used.
            UnknownJobError: If it does not know the job.
        """
        found = self._ask("GET", f"/api/jobs/{submission_id}")
        exit_status = found.get("driver_exit_code")
        return JobInfo(
            str(found.get("status", "")),
            str(found.get("message") or ""),
            str(found.get("error_type") or ""),
            exit_status if isinstance(exit_status, int) else None,
        )

    def stop(self, submission_id: str) -> None:
        """Asks a job to end. Ray sends SIGTERM to its processes, and SIGKILL later.

        Raises:
            ClusterError: If the cluster can't be used.
            UnknownJobError: If it does not know the job.
        """
        self._ask("POST", f"/api/jobs/{submission_id}/stop")

    def delete(self, submission_id: str) -> None:
        """Removes a job that has ended from the cluster's list.

        Raises:
            ClusterError: If the cluster can't be used, or the job has not ended.
            UnknownJobError: If it does not know the job.
        """
        self._ask("DELETE", f"/api/jobs/{submission_id}")

    def capacity(self) -> Capacity:
        """Returns the resources of all nodes, and what is free.

        Raises:
            ClusterError: If the cluster can't be used.
        """
        try:
            found = self._ask("GET", "/api/v0/nodes?detail=1&limit=1000")["data"]["result"]["result"]
            nodes = [node["resources_total"] for node in found if node["state"] == "ALIVE"]
            status = self._ask("GET", "/api/cluster_status")["data"]["clusterStatus"] or {}
            usage = (status.get("loadMetricsReport") or {}).get("usage") or {}
            return Capacity(
                tuple({name: float(node.get(name, 0)) for name in RESOURCES} for node in nodes),
                {name: float(total) - float(used) for name, (used, total) in usage.items() if name in RESOURCES},
            )
        except (LookupError, TypeError, ValueError, UnknownJobError):  # another version of Ray may say it otherwise
            return Capacity()

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None, timeout: float = TIMEOUT) -> Any:
        """Sends a request and returns the JSON of the answer, {} if it is not JSON.

        Raises:
            ClusterError: If there is no answer, or it is an error.
            UnknownJobError: If the answer is that there is no such thing.
        """
        headers = {"Content-Type": "application/json"}
        if token := auth_token():
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.address}{path}", data, headers, method=method)  # noqa: S310  settings allow http alone
        try:
            with urlopen(request, timeout=timeout) as answer:  # noqa: S310
                text = answer.read(MAX_ANSWER)
        except HTTPError as error:
            with error:  # it holds the connection
                raise self._refused(error) from None
        except (URLError, HTTPException, OSError) as error:
            reason = error.reason if isinstance(error, URLError) else error
            words = reason.strerror if isinstance(reason, OSError) and reason.strerror else str(reason)
            raise ClusterError(
                _(
                    "the Ray cluster {address} can't be reached ({reason}): check EXPLORER_RAY_ADDRESS and the "
                    "cluster's head; queued jobs wait, and jobs at work go on"
                ).format(address=self.address, reason=words)
            ) from None
        try:
            return json.loads(text or b"{}")
        except ValueError:
            return {}

    def _refused(self, error: HTTPError) -> ExplorerError:
        match error.code:
            case 404:
                return UnknownJobError(_("the cluster does not know it"))
            case 401:
                return ClusterError(
                    _("the Ray cluster {address} asks for a token: set {name}, or {file} to a file with it").format(
                        address=self.address, name=TOKEN, file=TOKEN_FILE
                    )
                )
            case 403:
                return ClusterError(
                    _(
                        "the Ray cluster {address} refuses the token from {source}: it has to be the cluster's own"
                    ).format(address=self.address, source=_token_source())
                )
            case 400:
                return RefusedError(_("the Ray cluster refuses it: {reason}").format(reason=_last_line(error)))
            case _:
                return ClusterError(
                    _(
                        "the Ray cluster {address} answers with error {code} ({reason}); its head's log says more"
                    ).format(address=self.address, code=error.code, reason=_last_line(error))
                )


def auth_token() -> str:
    """Returns the token of this process, from the places from which Ray takes it, too. Empty if there is none."""
    if token := os.environ.get(TOKEN, "").strip():
        return token
    try:
        return _token_file().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _token_file() -> Path:
    return Path(os.environ.get(TOKEN_FILE) or Path.home() / ".ray" / "auth_token")


def _token_source() -> str:
    return TOKEN if os.environ.get(TOKEN, "").strip() else str(_token_file())


def _last_line(error: HTTPError) -> str:
    return error.read(MAX_ANSWER).decode(errors="replace").strip().rpartition("\n")[2][:200]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
