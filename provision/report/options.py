"""The feature table and the comparison of a profile with it, as text of at most 100 columns and as JSON."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Sequence

from provision.ingress import catalog
from provision.ingress.catalog import FEATURES, LIMITS, NGINX_END, OPTIONS, USE_FOR
from provision.ingress.features import Requirement, Verdict

WIDTH = 100
_COLUMNS = (25, 24, 24, 24)


def table_text(edition: str) -> str:
    """The table as of an edition, then dates, limits and when to use which."""
    lines = [_rule(), *_row(["", *OPTIONS]), _rule()]
    for feature in FEATURES:
        lines += _row([feature.title, *(feature.cell(option, edition).text for option in OPTIONS)])
    lines += [_rule(), f"{catalog.TABLE}, edition {edition}", ""]
    for option, text in USE_FOR.items():
        lines += [f"{option}: {OPTIONS[option]}", *_indented(text)]
    end = f"Microsoft's support of {NGINX_END.what} ends with {NGINX_END.words}."
    bundles = ", ".join(f"{each.version} from 1.{each.first}" for each in catalog.GATEWAY_API_BUNDLES)
    lines += [
        "",
        "Dates and versions",
        *_indented(end),
        *_indented(f"Gateway API by Kubernetes version: {bundles}."),
    ]
    lines += ["", "Limits", *(line for each in LIMITS for line in _limit(each))]
    return _joined(lines)


def _rule() -> str:
    return " ".join("-" * width for width in _COLUMNS)


def _row(cells: Sequence[str]) -> list[str]:
    """A row of wrapped cells, as lines."""
    wrapped = [textwrap.wrap(text, width) or [""] for text, width in zip(cells, _COLUMNS, strict=True)]
    height = max(map(len, wrapped))
    padded = [column + [""] * (height - len(column)) for column in wrapped]
    return [
        " ".join(text.ljust(width) for text, width in zip(line, _COLUMNS, strict=True))
        for line in zip(*padded, strict=True)
    ]


def _limit(limit: catalog.Limit) -> list[str]:
    number = f"  {limit.value:>5} "
    return textwrap.wrap(limit.text, WIDTH, initial_indent=number, subsequent_indent=" " * len(number))


def _indented(text: str, indent: int = 2) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * indent)


def _joined(lines: Iterable[str]) -> str:
    return "".join(f"{line.rstrip()}\n" for line in lines)


def table_json(edition: str) -> str:
    """The table with all editions of its cells up to `edition`, and their sources."""
    features = [
        {
            "feature": feature.title,
            "options": {
                option: [
                    {"support": cell.support, "text": cell.text, "edition": cell.edition}
                    | {"source": cell.source, "date": cell.date}
                    for cell in cells
                    if cell.edition <= edition
                ]
                for option, cells in feature.cells.items()
            },
        }
        for feature in FEATURES
    ]
    limits = [each._asdict() for each in LIMITS]
    end = {"what": NGINX_END.what, "lastMonth": NGINX_END.month, "source": NGINX_END.source}
    bundles = [{"first": f"1.{each.first}", "version": each.version} for each in catalog.GATEWAY_API_BUNDLES]
    document = {"edition": edition, "features": features, "limits": limits}
    return _dump({**document, "supportEnds": [end], "gatewayApiBundles": bundles})


def comparison_text(file: str, asked: Sequence[Requirement], verdicts: Sequence[Verdict]) -> str:
    """What the profile asks for, and for each variant whether it can do it and why not."""
    lines = [f"{file} asks for", *(f"  {each.text}" for each in asked), ""]
    for verdict in verdicts:
        variant = verdict.variant
        answer = "no" if verdict.lacks else "yes, with conditions" if verdict.conditions else "yes"
        lines.append(f"{variant.name}: {answer}" + (" (chosen)" if verdict.chosen else ""))
        for mark, reasons in (("lacks", verdict.lacks), ("if", verdict.conditions)):
            for requirement, reason in reasons:
                lines += _indented(f"{mark} {requirement.text}: {reason}")
    return _joined(lines)


def comparison_json(file: str, asked: Sequence[Requirement], verdicts: Sequence[Verdict]) -> str:
    """As `comparison_text`."""
    variants = [
        {
            "variant": verdict.variant.name,
            "chosen": verdict.chosen,
            "able": not verdict.lacks,
            "lacks": [{"asked": each.text, "reason": reason} for each, reason in verdict.lacks],
            "conditions": [{"asked": each.text, "condition": text} for each, text in verdict.conditions],
        }
        for verdict in verdicts
    ]
    return _dump({"profile": file, "asked": [each.text for each in asked], "variants": variants})


def _dump(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
