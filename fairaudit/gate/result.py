"""The gate's result and its file: what was ruled, by which policy, on which day. Waivers depend on the day, so it is no part of audit.json."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Literal

import msgspec

from fairaudit.errors import MISCONFIGURED, ConfigError
from fairaudit.gate.policy import Policy, Remark, Ruling, Standing, State, Word
from fairaudit.given import path_given
from fairaudit.result import decoded, encoded, schema_of

BLOCKING = (State.ERROR, State.FAIL, State.INCONCLUSIVE)  # each makes the exit code other than 0
GRAVEST_FIRST = (*BLOCKING, State.WARN, State.WAIVED, State.NOTED, State.PASS)


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What was judged and by what, each by the SHA-256 of its file."""

    audit: str | None = None  # None: it is not told
    baseline: str | None = None  # of its audit.json; None: there is none
    waivers: str | None = None  # None: there are none, or they stand in no file


class GateResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate decided, as a file has it."""

    schema: Literal["fairaudit/gate/1"] = "fairaudit/gate/1"
    verdict: Word
    exit_code: int
    policy: Policy
    as_of: date  # the day on which waivers were judged
    sources: Judged = Judged()
    standings: tuple[Standing, ...]
    remarks: tuple[Remark, ...] = ()


def remarks_of(ruling: Ruling) -> tuple[Remark, ...]:
    """What the gate has to say besides, that nothing was judged included: without it a file with no findings would look as if all were well."""
    nothing = Remark(id="nothing-judged", state=State.ERROR, sentence="Nothing was judged: the rules made no finding of this audit.")
    return (*ruling.remarks, *([nothing] if ruling.exit_code == MISCONFIGURED else []))


def to_json(ruling: Ruling, sha256: str | None = None) -> bytes:
    """The bytes of the gate's result: the same ruling, the same bytes.

    Args:
        sha256: of the audit.json that was judged.
    """
    sources = Judged(audit=sha256, baseline=ruling.sources.baseline, waivers=ruling.sources.waivers)
    result = GateResult(
        verdict=ruling.verdict, exit_code=ruling.exit_code, policy=ruling.policy, as_of=ruling.as_of, sources=sources, standings=ruling.standings, remarks=remarks_of(ruling)
    )  # fmt: skip
    try:
        written = msgspec.json.encode(result, enc_hook=encoded)
    except UnicodeEncodeError:  # half of a surrogate pair, which UTF-8 cannot hold
        written = msgspec.json.encode(_whole(msgspec.to_builtins(result, enc_hook=encoded)))
    return msgspec.json.format(written, indent=1) + b"\n"


def _whole(value: Any) -> Any:
    """Plain data whose texts UTF-8 can hold: halves of surrogate pairs are written out, as `\\ud800`."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_whole(name): _whole(one) for name, one in value.items()}
    return [_whole(one) for one in value] if isinstance(value, list | tuple) else value


def read_gate(path: Path | str) -> GateResult:
    """What a file says that the gate decided, as `--write json=PATH` wrote it.

    Raises:
        ConfigError: there is none, or it cannot be read.
    """
    file = path_given(path)
    try:
        return msgspec.json.decode(file.read_bytes(), type=GateResult, dec_hook=decoded)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}; give the file that `fairaudit gate --write json=PATH` wrote.") from error
    except ValueError as error:  # msgspec's are
        raise ConfigError(f"{path} is not a gate's result that fairaudit can read ({error}); give the file that `fairaudit gate --write json=PATH` wrote.") from error


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the gate's result, as it is published with the package."""
    return schema_of(GateResult)


if __name__ == "__main__":
    import json

    print(json.dumps(json_schema(), indent=1))
