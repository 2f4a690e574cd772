"""Command: what a chief looks at on a wall."""

from grafana_foundation_sdk.builders import common, geomap
from grafana_foundation_sdk.models import common as common_models

from deploy.grafana.build import SOURCE, Board, Panel, Query, bars, lines, number, rows, target, to_cases

OPEN = 'quanzu_cases_open_by_prefecture{level=~"$level",prefecture=~"$prefecture"}'
YUAN = "currency:¥"
GAZETTEER = "public/gazetteer/quanzu.json"
# Wilson's 95 % interval of "nothing paid" among the questions that ended: z² = 3.8415 (domain/statistics/shares).
_NOTHING_PAID = 'sum(quanzu_week_answers{answer="nothing_paid"})'
_ENDED = '(sum(quanzu_week_answers{answer!="waiting"}) > 0)'
_MIDDLE = f"({_NOTHING_PAID} + 1.9207)"
_HALF = f"1.96 * sqrt({_NOTHING_PAID} * ({_ENDED} - {_NOTHING_PAID}) / {_ENDED} + 0.9604)"


def board() -> Board:
    """Return the command board."""
    made = Board(
        "quanzu-command",
        "劝阻 · 指挥 Command",
        "全省态势：在办预警、时限、劝阻、避免损失、预警后被骗。The province: open cases, time limits, dissuasions, "
        "loss avoided, residents defrauded after a warning.",
        ("prefecture", "level"),
    )
    _now(made)
    _money(made)
    _in_time(made)
    return made


def _now(made: Board) -> None:
    made.row("现在 Now")
    made.add(
        to_cases(
            number(
                "在办预警 Open cases",
                "按等级；点击打开控制台预警列表。By level; click to open the list in the console.",
                Query(f"sum by (level) ({OPEN})", "{{level}}"),
                span=8,
            ),
            "level",
        )
    )
    made.add(
        number(
            "红色未及时联系 Red cases not contacted in time",
            "首次联系时限已过。Past the time limit for first contact.",
            Query("quanzu_red_not_contacted"),
            bad=1,
        )
    )
    made.add(
        number(
            "时限达成 Time limits met",
            "所选时间内按时结束的比例。Share of time limits met, of those that ended in the selected range.",
            Query(
                'sum by (level) (increase(quanzu_clocks_total{end="kept",level=~"$level"}[$__range])) / '
                '(sum by (level) (increase(quanzu_clocks_total{level=~"$level"}[$__range])) > 0)',
                "{{level}}",
            ),
            unit="percentunit",
            span=8,
        )
    )
    made.add(
        number(
            "已劝阻 Dissuaded",
            "累计；通话或见面证实的，与另有依据的分开。Cumulative; cases without a call or visit are separate.",
            Query("sum by (basis) (quanzu_dissuaded)", "{{basis}}"),
        )
    )
    made.add(
        number(
            "一周后再问 Asked after a week",
            "已劝阻的，换渠道问此后是否付过款。The dissuaded, asked by another channel: paid since?",
            Query("sum by (answer) (quanzu_week_answers)", "{{answer}}"),
        )
    )
    made.add(
        number(
            "一周后没有付款 Nothing paid after a week",
            "已结束的询问中，95 % 区间（Wilson）。Of the questions that ended, with Wilson's 95 % interval.",
            Query(f"{_NOTHING_PAID} / {_ENDED}", "比例 share"),
            Query(f"({_MIDDLE} - {_HALF}) / ({_ENDED} + 3.8415)", "下限 low"),
            Query(f"({_MIDDLE} + {_HALF}) / ({_ENDED} + 3.8415)", "上限 high"),
            unit="percentunit",
        )
    )
    made.add(_map())
    made.add(
        to_cases(
            rows(
                "各市州 By prefecture",
                "在办预警。Open cases.",
                Query(f"sum by (prefecture, level) ({OPEN})", now=True),
                span=6,
            ),
        )
    )
    made.add(
        rows(
            "告警 Firing alarms",
            "DeadMansSwitch 应始终在列。DeadMansSwitch must always be listed.",
            Query('ALERTS{alertstate="firing"}', now=True),
            span=6,
        )
    )


def _money(made: Board) -> None:
    made.row("避免损失 Loss avoided")
    made.add(
        bars(
            "按证据等级 By class of evidence",
            "A 银行确认，B 途中撤销，C 本人放弃。A: bank confirmed; B: cancelled in flight; "
            "C: given up by the resident.",
            Query("quanzu_loss_avoided_fen / 100", "{{evidence}}"),
            unit=YUAN,
        )
    )
    reported = 'sum(quanzu_loss_avoided_fen{evidence=~"%s"}) / 100'
    estimate = 'sum(quanzu_loss_avoided_estimate_fen{limit="%s"}) / 100'
    made.add(
        number(
            "报告口径与区间 Reported amounts, with the interval of D",
            "A–C 逐笔入账，无误差；D 为估计，绝不计入，按模拟全省的实际结果校准，附区间。"
            "A to C are recorded payment by payment, without error; D is an estimate, never added, calibrated against "
            "the outcomes of simulated provinces, with its interval.",
            *(Query(reported % "|".join(classes), "+".join(classes)) for classes in ("A", "AB", "ABC")),
            Query(estimate % "mean", "D 估计 estimate"),
            Query(estimate % "low", "D 下限 low"),
            Query(estimate % "high", "D 上限 high"),
            unit=YUAN,
            span=16,
        )
    )
    made.add(
        number(
            "银行确认冻结 Frozen by banks",
            "银行确认已冻结的金额。Money that banks confirmed as frozen.",
            Query("quanzu_frozen_fen / 100"),
            unit=YUAN,
            span=4,
        )
    )
    made.add(number("损失 Lost", "确认损失。Confirmed losses.", Query("quanzu_lost_fen / 100"), unit=YUAN, span=4))
    made.add(
        number(
            "预警后被骗 Defrauded after a warning",
            "30 天与 90 天内。Cases, within 30 and 90 days.",
            Query("quanzu_defrauded_after_warning", "{{days}} d"),
            span=6,
        )
    )
    made.add(
        number(
            "受损居民 Losses, and second losses",
            "有无保护期的受损起数，以及 90 天内再次受损。Losses with and without a shield, and those after which "
            "the resident lost money again within 90 days.",
            Query('quanzu_case_facts_total{fact=~"shielded|unshielded|lost_again_.*"}', "{{fact}}"),
            span=12,
        )
    )
    made.add(
        number(
            "预警后被骗率 Share of warned cases defrauded",
            "已被骗的预警 ÷ 已联系上居民的预警。Defrauded cases divided by cases in which a contact "
            "reached the resident.",
            Query("quanzu:defrauded_after_warning:ratio", "{{days}} d"),
            unit="percentunit",
            span=6,
        )
    )
    made.add(
        number(
            "预警后 30 天内被骗（公安报案） Defrauded within 30 days, by police records",
            "÷ 该级别或渠道已联系上居民的预警；按信息和派出所：quanzu report after-warning。Divided by the cases that "
            "a warning of this level or channel reached; by message and station: quanzu report after-warning.",
            Query(
                'sum by (dimension, value) (quanzu_recorded_frauds_after_warning{days="30",dimension=~"level|channel"})'
                ' / sum by (dimension, value) (quanzu_cases_warned_by_group{dimension=~"level|channel"})',
                "{{value}}",
            ),
            unit="percentunit",
            span=12,
        )
    )
    made.add(
        number(
            "公安报案比对 Police records of frauds",
            "按比对依据或未比对上的原因；repeated：重复报送。By what matched them, or why nothing did; repeated: sent "
            "again. Since the workers started.",
            Query("sum by (result) (quanzu_reported_frauds_matched_total)", "{{result}}"),
            Query("sum(quanzu_reported_frauds_accepted_total)", "已接收 accepted"),
            span=12,
        )
    )


def _in_time(made: Board) -> None:
    made.row("与上周相比 Compared with last week")
    for title, metric in (
        ("预警生成 Cases opened", "quanzu_cases_opened_total"),
        ("劝阻（通话或见面） Dissuaded by a call or a visit", 'quanzu_case_states_total{basis="evidenced"}'),
        ("劝阻（另有依据） Dissuaded on another ground", 'quanzu_case_states_total{basis="stated"}'),
    ):
        made.add(
            lines(
                title,
                "每小时；另一条线为上周同时。Per hour; the other line is the same time last week.",
                Query(f"sum(increase({metric}[1h]))", "本周 this week"),
                Query(f"sum(increase({metric}[1h] offset 1w))", "上周 last week"),
            )
        )
    made.add(
        lines(
            "预警结果 Outcomes of cases",
            "每小时进入各状态的次数。Number of times per hour that a case entered the state.",
            Query('sum by (basis) (increase(quanzu_case_states_total{basis!=""}[1h]))', "{{basis}}"),
            Query(
                "sum by (state) (increase(quanzu_case_states_total"
                '{state=~"not_persuaded|already_defrauded|false_alarm|unreachable"}[1h]))',
                "{{state}}",
            ),
        )
    )


def _map() -> Panel:
    where = common.FrameGeometrySource().mode(common_models.FrameGeometrySourceMode.LOOKUP)
    layer = (
        common.MapLayerOptions()
        .type("markers")
        .name("在办预警 Open cases")
        .location(where.lookup("prefecture").gazetteer(GAZETTEER))
        .config({"showLegend": True, "style": {"size": {"field": "Value", "min": 6, "max": 30}, "opacity": 0.6}})
        .tooltip(True)
    )
    return (
        geomap.Panel()
        .title("地图 Map")
        .description("在办预警按市州。Open cases by prefecture.")
        .datasource(SOURCE)
        .span(12)
        .height(12)
        .view(geomap.MapViewConfig().id("coords").lat(43).lon(126).zoom(6))
        .layers([layer])
        .with_target(target(Query(f"sum by (prefecture) ({OPEN})", now=True), "A"))
    )
