"""How the run was made: the design decisions in force, and how to have the same again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.page.markup import Markup, folded, joined, paragraph, section, table, tag

if TYPE_CHECKING:
    from reports.page.markup import Content
    from reports.page.told import Change, Told


PYTHON = """from reports import load_run

run = load_run("path of this folder")
run.applied.groupby("consumer")["applied_s"].max()"""


def decisions(told: Told) -> Markup:
    """Which decisions were in force, those first that are not the defaults."""
    if not told.decisions:
        return Markup("")
    changed = [one for one in told.decisions if one.here != one.there]
    usual = [one for one in told.decisions if one.here == one.there]
    parts: list[Content] = []
    if changed:
        rows = [(_key(one), _value(one.here), _value(one.there)) for one in changed]
        parts.append(table(["decision", "here", "default"], rows, "Decisions that are not the defaults"))
    else:
        parts.append(paragraph("Every decision was the default."))
    defaults = table(["decision", "value"], [(_key(one), _value(one.here)) for one in usual], "Defaults")
    parts.append(folded(f"The {len(usual)} defaults in force", defaults))
    return section("decisions", "Design decisions in force", *parts)


def _key(one: Change) -> Markup:
    return tag("code", one.key.removeprefix("policy."))


def _value(value: object) -> Content:
    return "–" if value is None else tag("code", str(value))


def reproduce(told: Told) -> Markup:
    """The command, the seed, the versions, and how to go on from here."""
    info = told.run.info
    command = str(told.verdict.get("reproduce") or info.get("reproduce") or "")
    parts: list[Content] = []
    if command:
        parts.append(tag("pre", tag("code", command)))
    if info.get("engine") == "simulated":
        parts.append(
            paragraph(
                "Equal scenario, seed and version give an equal trace, to the last bit, on any machine."
            )
        )
    if info.get("trace_sha256"):
        parts.append(
            paragraph("SHA-256 of the trace: ", tag("code", str(info["trace_sha256"])), class_="facts")
        )
    parts.append(paragraph("The tables of the run as pandas frames:"))
    parts.append(tag("pre", tag("code", PYTHON)))
    versions = {"Python": info.get("python"), **(info.get("versions") or {})}
    rows = [(str(name), str(version)) for name, version in versions.items() if version]
    if rows:
        machine = " ".join(str(part) for part in (info.get("machine") or {}).values())
        parts.append(folded("Versions", table(["package", "version"], rows, f"Made on {machine}")))
    return section("reproduce", "How to have the same again", joined(parts))
