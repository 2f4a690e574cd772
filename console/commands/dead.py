"""The commands `quanzu dead …`: list, show, repair, resend and drop dead letters."""

import asyncio
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from console.commands.common import By, Reason, err, load_settings, moment, open_installation, out

if TYPE_CHECKING:
    from domain.feeds.dead_letters import DeadLetterFilter, DeadLetterSummary
    from streams.dead_letters.index import DeadLetterIndex
    from streams.dead_letters.repaired import Repair
    from streams.dead_letters.sending import Outcome, Progress, Sending
    from streams.installation import Installation
    from streams.runtime.settings import Settings

app = typer.Typer(
    name="dead", no_args_is_help=True, help="Dead letters (records that could not be read): list, repair, resend."
)

Source = Annotated[str | None, typer.Option(help="Only letters of this source")]
Topic = Annotated[str | None, typer.Option(help="Only letters of this topic; `file` for rows of files")]
Why = Annotated[str | None, typer.Option("--why", help="Only letters whose reason contains this text")]
Since = Annotated[str | None, typer.Option(help="Since: 2h (ago), 2026-03-01 or 2026-03-01T11:12")]
Until = Annotated[str | None, typer.Option(help="Before then")]
Names = Annotated[
    list[str] | None, typer.Argument(help="The letters' ids; without ids, the letters that the options select")
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for scripts")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation")]
File = Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="The repaired content of the letter")]
MappingFile = Annotated[
    Path | None,
    typer.Option("--mapping", exists=True, dir_okay=False, help="A TOML file with the repairs of fields"),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check all of them, and change nothing")]
Edit = Annotated[bool, typer.Option("--edit", help="Repair it in the editor ($EDITOR)")]


AT_ONCE = 200_000  # letters that one command reads: the newest of those selected


class Meant(NamedTuple):
    """The options that select letters (source, topic, reason, times), as typed; None: not given."""

    source: str | None
    topic: str | None
    why: str | None
    since: str | None
    until: str | None


@app.command("list")
def dead_list(
    source: Source = None,
    topic: Topic = None,
    why: Why = None,
    since: Since = None,
    until: Until = None,
    state: Annotated[str, typer.Option(help="open, sending, sent, dropped or all")] = "open",
    most: Annotated[int, typer.Option(min=1, help="How many, the newest first")] = 20,
    before: Annotated[int | None, typer.Option(help="The next page: the number printed by the previous page")] = None,
    as_json: AsJson = False,
) -> None:
    """List letters, without their bytes, and count them by reason."""
    from console.letters import listing
    from streams.dead_letters.shapes import paged

    settings = _reachable()
    wanted = _wanted(settings, Meant(source, topic, why, since, until), state)
    page = asyncio.run(_letters(settings, wanted.means)).page(wanted, most, before)
    if as_json:
        out.print_json(data=paged(page))
    else:
        out.print(listing(page))


@app.command("show")
def dead_show(
    name: Annotated[str, typer.Argument(help="The letter's id, as `quanzu dead list` shows it")],
    mask: Annotated[bool, typer.Option("--mask", help="Hide numbers and names")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="Print only the original bytes, for repair in a file")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a letter with its bytes, which may contain personal data. Refused with exit code 1 if it is unknown or no
    longer stored.
    """
    from console.letters import story
    from streams.dead_letters.index import UnknownLetterError
    from streams.dead_letters.shapes import shown

    letters = asyncio.run(_letters(_reachable(), lambda letter: letter.id == name))
    found = letters.get(name)
    letter = asyncio.run(letters.read([found])).get(name)
    if letter is None:
        raise UnknownLetterError(f"{name}: the topic no longer keeps it")
    if raw:
        sys.stdout.buffer.write(letter.content)
    elif as_json:
        out.print_json(data=shown(letter, found, mask=mask))
    else:
        out.print(story(letter, found, mask=mask))


@app.command("send-again")
def dead_send_again(
    by: By,
    reason: Reason,
    names: Names = None,
    source: Source = None,
    topic: Topic = None,
    why: Why = None,
    since: Since = None,
    until: Until = None,
    file: File = None,
    mapping: MappingFile = None,
    edit: Edit = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Send letters again under their old ids: unchanged, or repaired by hand or by a mapping. Each counts once.

    Exits with 1 if a letter was not sent.
    """
    from streams.dead_letters.sending import Who

    if sum((file is not None, mapping is not None, edit)) > 1:
        raise typer.BadParameter("use only one of --file, --mapping and --edit")
    single = file is not None or edit

    async def run() -> "Outcome":
        async with open_installation() as line:
            sending, chosen = await _chosen(line, names, Meant(source, topic, why, since, until), single=single)
            mended = await _edited(sending.letters, chosen) if edit else _mended(file, mapping)
            if dry_run:
                return await _with_bar(sending, lambda told: sending.try_out(chosen, mended, told))
            _ask(f"Send {len(chosen)} letters again?", chosen, yes=yes)
            return await _with_bar(sending, lambda told: sending.send_again(chosen, mended, Who(by, reason), told))

    _end(asyncio.run(_to_its_end(run())), "can be sent again" if dry_run else "sent again", as_json=as_json)


@app.command("drop")
def dead_drop(
    by: By,
    reason: Reason,
    names: Names = None,
    source: Source = None,
    topic: Topic = None,
    why: Why = None,
    since: Since = None,
    until: Until = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Drop letters forever; they stay counted as dead-lettered. The audit records who did it and why.

    Exits with 1 if a letter was not dropped.
    """
    from streams.dead_letters.sending import Who

    async def run() -> "Outcome":
        async with open_installation() as line:
            sending, chosen = await _chosen(line, names, Meant(source, topic, why, since, until), single=False)
            _ask(f"Drop {len(chosen)} letters for good?", chosen, yes=yes)
            return await _with_bar(sending, lambda told: sending.drop(chosen, Who(by, reason), told))

    _end(asyncio.run(_to_its_end(run())), "dropped", as_json=as_json)


def _reachable() -> "Settings":
    from streams.runtime.server_discovery import reachable

    return reachable(load_settings())


async def _letters(settings: "Settings", keep: "Callable[[DeadLetterSummary], bool]") -> "DeadLetterIndex":
    from streams.dead_letters.index import DeadLetterIndex

    letters = DeadLetterIndex(settings, AT_ONCE, keep)
    await letters.refresh()
    return letters


async def _chosen(
    line: "Installation", names: list[str] | None, meant: Meant, *, single: bool
) -> "tuple[Sending, list[str]]":
    """Return the sender, and the ids of the chosen letters: those in `names`, or the open ones that the options select.

    Raises typer.BadParameter if both or neither are given, or if `single` is set and not exactly one letter is chosen.
    """
    from streams.dead_letters.index import ids
    from streams.dead_letters.sending import Sending

    if names and any(meant):
        raise typer.BadParameter("name letters or select them by options, not both")
    if not names and not any(meant):
        raise typer.BadParameter("name a letter, or select some: --source, --topic, --why, --since, --until")
    wanted, named = _wanted(line.settings, meant, "open"), frozenset(names or ())
    letters = await _letters(line.settings, lambda letter: letter.id in named if named else wanted.means(letter))
    chosen = names or ids(letters.page(wanted).found)
    if single and len(chosen) != 1:
        raise typer.BadParameter(f"--file and --edit repair one letter, but {len(chosen)} are selected: use --mapping")
    return Sending(line.settings, letters, line.producer, line.clock), chosen


def _wanted(settings: "Settings", meant: Meant, state: str) -> "DeadLetterFilter":
    from domain.feeds.dead_letters import DeadLetterFilter, State
    from streams.runtime.clock import Clock

    if state not in (*State, "all"):
        raise typer.BadParameter(f"no state {state!r}: {', '.join(State)} or all")
    now = Clock.parse(settings.clock).now()
    since, until = (moment(text, now) if text else None for text in (meant.since, meant.until))
    return DeadLetterFilter(
        meant.source, meant.topic, meant.why, since, until, None if state == "all" else State(state)
    )


def _mended(file: Path | None, mapping: Path | None) -> "Repair":
    from domain.feeds.repair import MappingError, load

    if file is not None:
        return file.read_bytes()
    if mapping is None:
        return None
    try:
        return load(mapping.read_text("utf-8"))
    except UnicodeDecodeError:
        raise MappingError(f"{mapping}: not UTF-8. Save it as UTF-8") from None


async def _edited(letters: "DeadLetterIndex", chosen: list[str]) -> bytes:
    found = letters.get(chosen[0])
    content = (await letters.read([found]))[chosen[0]].content
    mended = await asyncio.to_thread(_in_editor, content)
    if mended == content:
        raise typer.BadParameter("nothing was changed in the editor: without --edit a letter is sent as it came")
    return mended.rstrip(b"\r\n")


def _in_editor(content: bytes) -> bytes:
    """Return the content as the person saved it in their editor, from a private temporary file."""
    with tempfile.NamedTemporaryFile(prefix="letter-") as file:
        file.write(content)
        file.flush()
        editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
        subprocess.run([*editor, file.name], check=True)  # noqa: S603 - the editor is whatever the user set
        return Path(file.name).read_bytes()


def _ask(question: str, chosen: list[str], *, yes: bool) -> None:
    if len(chosen) > 1 and not yes:
        typer.confirm(question, abort=True, err=True)


async def _with_bar(sending: "Sending", act: "Callable[[Progress], Awaitable[Outcome]]") -> "Outcome":
    """Run `act` with a progress bar and return its outcome. The first Ctrl-C lets the letter in progress finish; a
    second one interrupts.

    The result is also printed if Ctrl-C comes while the connections are being closed.
    """
    from console.progress import bar

    loop = asyncio.get_running_loop()

    def stop() -> None:
        sending.stop.set()
        loop.remove_signal_handler(signal.SIGINT)
        err.print("finishing the work in progress; press again to interrupt")

    loop.add_signal_handler(signal.SIGINT, stop)
    with bar(err, "letters") as told:
        return await act(told)


async def _to_its_end(work: "Coroutine[Any, Any, Outcome]") -> "Outcome":
    """Return the outcome of `work`. Afterwards Ctrl-C is ignored, so that no traceback follows the printed result."""
    outcome = await work
    # Without this the loop would restore the default handler on closing.
    asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return outcome


def _end(outcome: "Outcome", done: str, *, as_json: bool) -> None:
    from console.letters import summary
    from streams.dead_letters.shapes import outcome_of

    if as_json:
        out.print_json(data=outcome_of(outcome))
    else:
        out.print(summary(outcome, done))
    raise typer.Exit(1 if outcome.refused or outcome.left else 0)
