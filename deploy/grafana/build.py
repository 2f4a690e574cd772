"""How a panel is made here: one call, with its title in Chinese and English, its queries, and what a click opens.

Dashboards are written for Grafana 11 and later (schema version 1).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    heatmap,
    prometheus,
    stat,
    table,
    timeseries,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from deploy.grafana import names

SOURCE = models.DataSourceRef(type_val="prometheus", uid="quanzu-prometheus")
NOTHING, WRONG = "green", "red"
FILTERS = {"level": "level", "prefecture": "area"}  # of the console's list


Panel: TypeAlias = Any
"""A builder of a panel: the SDK's have no common type."""


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL query of a panel. `legend`: the name of each series, in Grafana's template form, such as {{level}};
    `now`: True for only the latest value, as a table; `heat`: True for the buckets of a histogram.
    """

    expr: str
    legend: str = ""
    now: bool = False
    heat: bool = False


@dataclass(slots=True)
class Board:
    """A dashboard that is being built. `about`: its purpose, in Chinese and English; `variables`: keys of VARIABLES, by
    which a reader filters it; `made`: the SDK's builder.
    """

    uid: str
    title: str
    about: str
    variables: Sequence[str]
    made: dashboard.Dashboard = field(init=False)

    def __post_init__(self) -> None:
        self.made = (
            dashboard.Dashboard(self.title)
            .uid(self.uid)
            .description(self.about)
            .tags(["quanzu"])
            .time("now-6h", "now")
            .refresh("10s")
            .timezone("Asia/Shanghai")
            .readonly()
            .tooltip(models.DashboardCursorSync.CROSSHAIR)
            .link(_others())
            .with_variable(_console())
        )
        for name in self.variables:
            self.made.with_variable(VARIABLES[name]())
        for annotation in annotations():
            self.made.annotation(annotation)

    def row(self, title: str) -> None:
        """Add a row with this heading to the board; the panels added next belong to it."""
        self.made.with_row(dashboard.Row(title))

    def add(self, panel: Panel) -> None:
        """Add a panel at the end of the board."""
        self.made.with_panel(panel)


def number(
    title: str, about: str, *queries: Query, unit: str = "short", bad: float | None = None, span: int = 4
) -> Panel:
    """Return a panel that shows the latest value of each query in large figures, above a small graph. `bad`: values
    from here on are shown red, lower ones green; None: no colours. `unit`: Grafana's name of the values' unit; `span`:
    the panel's width, of 24.
    """
    steps = [models.Threshold(value=None, color=NOTHING if bad is not None else "text")]
    if bad is not None:
        steps.append(models.Threshold(value=bad, color=WRONG))
    panel = (
        stat.Panel()
        .thresholds(dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps))
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .color_mode(common_models.BigValueColorMode.VALUE)
        .graph_mode(common_models.BigValueGraphMode.AREA)
    )
    return _filled(panel, title, about, queries, unit, span, 5)


def lines(title: str, about: str, *queries: Query, unit: str = "short", span: int = 8) -> Panel:
    """Return a panel that draws the queries as lines over time. `unit`: Grafana's name of the values' unit; `span`: the
    panel's width, of 24.
    """
    panel = (
        timeseries.Panel()
        .fill_opacity(10)
        .legend(common.VizLegendOptions().show_legend(True).placement(common_models.LegendPlacement.BOTTOM))
        .tooltip(common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI))
    )
    return _filled(panel, title, about, queries, unit, span, 8)


def bars(title: str, about: str, *queries: Query, unit: str = "short", span: int = 8) -> Panel:
    """Return a panel that shows the latest value of each series as a horizontal bar. `unit`: Grafana's name of the
    values' unit; `span`: the panel's width, of 24.
    """
    panel = bargauge.Panel().reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    panel = panel.orientation(common_models.VizOrientation.HORIZONTAL)
    return _filled(panel, title, about, queries, unit, span, 8)


def rows(title: str, about: str, *queries: Query, unit: str = "short", span: int = 8) -> Panel:
    """Return a panel with a table of the queries' values: of a query with `now` the latest value of each series, else
    all values in the board's time range. `unit`: Grafana's name of the values' unit; `span`: the panel's width, of 24.
    """
    return _filled(table.Panel(), title, about, queries, unit, span, 8)


def heat(title: str, about: str, query: Query, span: int = 8) -> Panel:
    """Return a panel that draws a histogram's buckets over time as a heat map. `span`: the panel's width, of 24."""
    return _filled(heatmap.Panel().calculate(False), title, about, [query], "short", span, 8)


def _filled(panel: Panel, title: str, about: str, queries: Sequence[Query], unit: str, span: int, height: int) -> Panel:
    panel = panel.title(title).description(about).datasource(SOURCE).unit(unit).span(span).height(height)
    for number_, query in enumerate(queries):
        panel = panel.with_target(target(query, chr(ord("A") + number_)))
    labels = [query.legend.strip("{} ") for query in queries]
    named = {value: names.both(value, label) for label in labels for value in names.VOCABULARY.get(label, {})}
    for value in sorted(named):
        panel = panel.override_by_name(value, _shown(value, named[value]))
    return panel


def _shown(value: str, words: str) -> list[models.DynamicConfigValue]:
    """A series under both its names, and a level in its colour."""
    found = [models.DynamicConfigValue(id_val="displayName", value=words)]
    if color := names.COLORS.get(value):
        found.append(models.DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": color}))
    return found


def target(query: Query, name: str) -> prometheus.Dataquery:
    """Return a query in the form of Grafana's SDK. `name`: its letter within the panel, from "A" on. Series by level
    are sorted with the gravest first.
    """
    expr = _graver_first(query.expr) if query.legend == "{{level}}" else query.expr
    made = prometheus.Dataquery().expr(expr).ref_id(name).datasource(SOURCE)
    if query.legend:
        made = made.legend_format(query.legend)
    if "_bucket" in query.expr:  # an observation of it leads to its trace
        made = made.exemplar(True)
    if query.now:
        return made.instant().format(PromQueryFormat.TABLE)
    return made.range().format(PromQueryFormat.HEATMAP if query.heat else PromQueryFormat.TIME_SERIES)


def _graver_first(expr: str) -> str:
    """Red's series first, blue's last. Prometheus sorts series by their labels: one more, before `level`, tells how."""
    for rank, level in enumerate(names.VOCABULARY["level"], 1):
        expr = f'label_replace({expr}, "gravity", "{rank}", "level", "{level}")'
    return expr


def to_cases(panel: Panel, *by: str) -> Panel:
    """Add to a panel a link that opens the console's list of the cases that it counts, and return the panel. `by`:
    labels of the series (keys of FILTERS) whose values the list is filtered by. Raises KeyError for another label.
    """
    asked = "&".join(f"{FILTERS[label]}=${{__field.labels.{label}}}" for label in by)
    link = dashboard.DashboardLink("预警列表 Cases").url("${console}/queue" + (f"?{asked}" if asked else ""))
    link = link.target_blank(True)
    return panel.data_links([link])


def annotations() -> list[dashboard.AnnotationQuery]:
    """Return the annotations of all boards: policy changes, from the metrics, and drills, which a person marks with the
    tag `drill` (RUNBOOK.md).
    """
    policy = (
        dashboard.AnnotationQuery()
        .name("策略变更 Policy changes")
        .datasource(SOURCE)
        .enable(True)
        .icon_color("purple")
        .expr("quanzu_policy_info unless quanzu_policy_info offset 1m")
    )
    drill = (
        dashboard.AnnotationQuery()
        .name("演练 Drills")
        .datasource(models.DataSourceRef(type_val="grafana", uid="-- Grafana --"))
        .enable(True)
        .icon_color("blue")
        .target(dashboard.AnnotationTarget().type("tags").tags(["drill"]).limit(100).match_any(True))
    )
    return [policy, drill]


def _others() -> dashboard.DashboardLink:
    link = dashboard.DashboardLink("劝阻 Quanzu").type(models.DashboardLinkType.DASHBOARDS).tags(["quanzu"])
    return link.as_dropdown(True).include_vars(True).keep_time(True)


def _console() -> Builder[models.VariableModel]:
    made = dashboard.ConstantVariable("console").label("控制台 Console").value("http://127.0.0.1:8081")
    return made.description("The console's address, as browsers see it: set it here for all links")


def _asked(name: str, label: str, query: str) -> Builder[models.VariableModel]:
    every = models.VariableOption(selected=True, text=["All"], value=["$__all"])
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query({"query": f"label_values({query}, {name})", "refId": name})
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(every)
    )


VARIABLES = {
    "prefecture": lambda: _asked("prefecture", "市州 Prefecture", "quanzu_cases_open_by_prefecture"),
    "level": lambda: _asked("level", "等级 Level", "quanzu_cases_open"),
    "channel": lambda: _asked("channel", "渠道 Channel", "quanzu_steps_dispatched_total"),
    "source": lambda: _asked("source", "来源 Source", "quanzu_signals"),
}
