"""Which rules suit a use: nine questions and a few facts of the data → rules with their severities, why, and what is traded away."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache

import msgspec
from msgspec import Struct

from fairaudit.errors import ConfigError, FairauditError, UnknownName, raise_all
from fairaudit.metrics.catalogue import metric
from fairaudit.rules.finding import Severity
from fairaudit.rules.library import STRICTEST_FIRST, load_rule
from fairaudit.rules.rule import Rule
from fairaudit.rules.tree import FOUND, Path, Suited, Table, When, table


class Answers(Struct, frozen=True, kw_only=True):
    """What was answered, and what was taken where nobody did."""

    given: dict[str, tuple[str, ...]]  # every question → its answers; only `law` has several
    assumed: tuple[str, ...] = ()  # the questions that were answered by their cautious branch
    seen: dict[str, str] = {}  # those that the data or flags answered, and by what
    columns: tuple[str, ...] = ()  # of the control
    justification: str = ""  # why it may fairly explain a difference

    def the(self, id: str) -> str:
        return self.given[id][0]


class Chosen(Struct, frozen=True, kw_only=True):
    """A rule that suits, as it is to be used."""

    rule: str
    severity: Severity
    shipped: Severity  # the rule's own
    why: tuple[str, ...]
    paths: tuple[str, ...]  # of the tree, by which it came
    not_for: tuple[str, ...] = ()  # its own warnings that bite on these answers

    @property
    def changes_severity(self) -> bool:
        return self.severity is not self.shipped


class NotHad(Struct, frozen=True, kw_only=True):
    """What belongs to these answers and cannot be had."""

    rule: str  # empty: it is no single rule
    why: str


class Choice(Struct, frozen=True, kw_only=True):
    """What the answers lead to."""

    answers: Answers
    paths: tuple[str, ...]
    rules: tuple[Chosen, ...]  # the first matters most
    traded: tuple[str, ...]
    not_had: tuple[NotHad, ...]
    can_be_audited: bool  # whether this version audits what the model gives


def answered(given: Mapping[str, Collection[str]], *, seen: Mapping[str, tuple[str, str]], columns: tuple[str, ...] = (), justification: str = "") -> Answers:
    """All answers: those given, else those that data or flags tell, else the cautious ones.

    Args:
        given: question → answers, for those that somebody answered.
        seen: question → the answer that something else tells, and what.

    Raises:
        ConfigError, Several: an answer is none, or two exclude each other.
    """
    whole: dict[str, tuple[str, ...]] = {}
    assumed, told, wrong = [], {}, []
    for question in table().questions:
        own = tuple(dict.fromkeys(given.get(question.id, ())))
        wrong += [UnknownName("answer", one, tuple(question.answers), where=question.flag) for one in own if one not in question.answers]
        if not own and question.id in seen:
            own, told[question.id] = (seen[question.id][0],), seen[question.id][1]
        elif not own:
            own = (question.cautious,)
            assumed.append(question.id)
        whole[question.id] = own
    found = Answers(given=whole, assumed=tuple(assumed), seen=told, columns=columns, justification=justification)
    raise_all((*wrong, *(() if wrong else _contradictions(found))))
    return found


def _contradictions(answers: Answers) -> Iterator[FairauditError]:
    if len(answers.given["law"]) > 1 and "none" in answers.given["law"]:
        yield ConfigError("--law none says that none of the laws reaches the use, and others are named too; keep one or the other.")
    if answers.the("use") == "probability" and answers.the("gives") in ("decision", "class"):
        yield ConfigError(f"--use probability says that somebody reads a score, and --gives {answers.the('gives')} that there is none; change one.")


def choose(answers: Answers, found: Collection[str] = ()) -> Choice:
    """The rules that suit the answers.

    Args:
        found: of `FACTS`, what the data say.
    """
    tree = table()
    state: dict[str, Collection[str]] = {**answers.given, FOUND: found}
    basis = _first(tree, state)
    taken = [(one, basis.path) for one in basis.rules if _holds(one.when, state)]
    if basis.as_if_sound:
        sound = _first(tree, {**state, "labels": ("sound",)})
        told = [msgspec.structs.replace(one, severity=Severity.INFO, why=basis.as_if_sound) for one in sound.rules if _holds(one.when, state) and _needs_label(one.rule)]
        taken += [(one, basis.path) for one in told]
    added = [path for path in tree.added if _holds(path.when, state)]
    taken += [(_as_labels_allow(one, answers, basis), path.path) for path in added for one in path.rules if _holds(one.when, state)]
    for path in added:
        if path.beside and not any(one.rule in path.beside.any_of for one, _ in taken):
            taken.append((Suited(rule=path.beside.otherwise, why=path.beside.why), path.path))
    not_had = [NotHad(rule="", why=" ".join(basis.not_here.split()))] if basis.not_here else []
    kept = []
    for one, name in taken:
        lack = _lack(tree, one.rule, answers)
        if lack and all(other.rule != one.rule for other in not_had):
            not_had.append(NotHad(rule=one.rule, why=lack))
        if not lack:
            kept.append((one, name))
    every = tuple(_merged(kept))
    names = [one.rule for one in every]
    shown = tuple(msgspec.structs.replace(one, not_for=tuple(_biting(tree, one.rule, state, names))) for one in every)
    return Choice(
        answers=answers, paths=(basis.path, *(path.path for path in added)), rules=shown,
        traded=tuple(dict.fromkeys(sentence for path in (basis, *added) for sentence in path.traded)), not_had=tuple(not_had), can_be_audited=answers.the("gives") != "number",
    )  # fmt: skip


def without(choice: Choice, rule: str, why: str) -> Choice:
    """The same but for a rule that turned out not to be had."""
    return msgspec.structs.replace(choice, rules=tuple(one for one in choice.rules if one.rule != rule), not_had=(*choice.not_had, NotHad(rule=rule, why=why)))


def rule_of(chosen: Chosen) -> Rule:
    """The rule with the severity that was chosen, under an id of its own where that is another."""
    shipped = load_rule(chosen.rule)
    if not chosen.changes_severity or chosen.severity is None:
        return shipped
    return msgspec.structs.replace(shipped, extends=shipped.id, id=id_of(chosen), title=title_of(chosen), severity=chosen.severity)


def id_of(chosen: Chosen) -> str:
    """What the rule is called in the audit."""
    return f"{chosen.rule}-as-{chosen.severity.value}" if chosen.severity and chosen.changes_severity else chosen.rule


def title_of(chosen: Chosen) -> str:
    return f"{load_rule(chosen.rule).title}, {_AS[chosen.severity]}" if chosen.severity and chosen.changes_severity else load_rule(chosen.rule).title


_AS = {Severity.FAIL: "judged", Severity.WARN: "as a warning", Severity.INFO: "as a remark"}


def needs_of(rule: str) -> str:
    """What an audit must have for a rule that data files alone do not serve; empty for every other."""
    return table().needs.get(rule, "")


@cache
def _shipped(id: str) -> Rule:
    return load_rule(id)


def _holds(when: When, state: Mapping[str, Collection[str]]) -> bool:
    return all(any(answer in state[question] for answer in answers) for question, answers in when.items())


def _first(tree: Table, state: Mapping[str, Collection[str]]) -> Path:
    return next(path for path in tree.paths if _holds(path.when, state))


def _as_labels_allow(one: Suited, answers: Answers, basis: Path) -> Suited:
    """A rule that a law adds, told and not judged where it rests on labels that lean."""
    if basis.as_if_sound and answers.the("labels") == "proxy" and _needs_label(one.rule):
        return msgspec.structs.replace(one, severity=Severity.INFO, why=f"{one.why.rstrip('.')}; {basis.as_if_sound}")
    return one


def _lack(tree: Table, rule: str, answers: Answers) -> str:
    """Why a rule cannot be had with these answers."""
    if answers.the("gives") == "number":
        return ""
    if answers.the("labels") == "none" and _needs_label(rule):
        return "it compares with labels, and there are none."
    if answers.the("labels") == "selective" and rule in tree.of_the_rejected:
        return "it needs to know what became of those who were not chosen, and the labels are known only for the others."
    if answers.the("gives") != "score" and _needs_score(_shipped(rule)):
        return f"it needs scores, and the model gives a {answers.the('gives')}."
    return ""


def _needs_label(rule: str) -> bool:
    return _shipped(rule).needs_label


def _needs_score(rule: Rule) -> bool:
    return rule.is_binary and ("score" in rule.needs or any(metric(name).needs_score for name in rule.metric_names))


def _merged(taken: list[tuple[Suited, str]]) -> Iterator[Chosen]:
    """Each rule once, in the order in which they came; of two severities the stricter, with its reasons."""
    for name in dict.fromkeys(one.rule for one, _ in taken):
        same = [(one, path) for one, path in taken if one.rule == name]
        shipped = _shipped(name).severity
        strictest = min((one.severity or shipped for one, _ in same), key=STRICTEST_FIRST.index)
        reasons = dict.fromkeys(one.why for one, _ in same if strictest is (one.severity or shipped))
        yield Chosen(rule=name, severity=strictest, shipped=shipped, why=tuple(reasons), paths=tuple(dict.fromkeys(path for _, path in same)))


def _biting(tree: Table, rule: str, state: Mapping[str, Collection[str]], chosen: Collection[str]) -> Iterator[str]:
    warnings = _shipped(rule).not_for
    bites = [one.begins for one in tree.bites if one.rule == rule and _holds(one.when, state) and (not one.beside_rule or one.beside_rule in chosen)]
    yield from (one for one in warnings if any(one.startswith(begins) for begins in bites))
