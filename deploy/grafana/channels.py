"""Channels and people: what carriers, banks, operators and officers do, and how much they have to do."""

from deploy.grafana.build import Board, Query, bars, lines, number, to_cases
from deploy.grafana.gateways import sms_gateway, voice_gateway


def board() -> Board:
    """Return the board of channels and people."""
    made = Board(
        "quanzu-channels",
        "劝阻 · 渠道与人员 Channels and people",
        "短信、电话、上门、止付；坐席与民警负荷；限频。SMS, calls, visits, stop-payments, workload, contact budget.",
        ("channel", "level"),
    )
    _messages(made)
    sms_gateway(made)
    _calls(made)
    voice_gateway(made)
    _people(made)
    _kept_back(made)
    _stops(made)
    return made


def _messages(made: Board) -> None:
    made.row("短信 SMS")
    made.add(
        bars(
            "短信结果 SMS by result",
            "累计。Cumulative.",
            Query('sum by (result) (quanzu_contacts_total{channel="sms"})', "{{result}}"),
            span=6,
        )
    )
    made.add(
        number(
            "送达率 Delivered",
            "送达 ÷ 运营商已接收。Delivered divided by accepted by the carrier.",
            Query(
                'sum(quanzu_contacts_total{channel="sms",result="delivered"}) / '
                'sum(quanzu_contacts_total{channel="sms",result="sent"})'
            ),
            unit="percentunit",
            span=4,
        )
    )
    made.add(
        lines(
            "回执时延 Receipt delay",
            "派发至首个回执，p50、p90、p99。From a dispatch to its first receipt.",
            *(
                Query(
                    f"histogram_quantile({share}, sum by (le, channel) "
                    '(rate(quanzu_dispatch_to_receipt_seconds_bucket{channel=~"$channel"}[$__rate_interval])))',
                    f"p{share * 100:g} {{{{channel}}}}",
                )
                for share in (0.5, 0.9, 0.99)
            ),
            unit="s",
            span=14,
        )
    )
    made.add(
        lines(
            "到达用时 Time to the telephone",
            "决定联系至短信送达或电话接通。From the decision until the message arrived or the call was answered.",
            *(
                Query(
                    f"histogram_quantile({share}, sum by (le, channel) "
                    '(rate(quanzu_decision_to_telephone_seconds_bucket{channel=~"$channel",level=~"$level"}'
                    "[$__rate_interval])))",
                    f"p{share * 100:g} {{{{channel}}}}",
                )
                for share in (0.5, 0.95)
            ),
            unit="s",
            span=24,
        )
    )


def _calls(made: Board) -> None:
    made.row("电话与上门 Calls and visits")
    made.add(
        bars(
            "电话结果 Calls by result",
            "累计。Cumulative.",
            Query('sum by (result) (quanzu_contacts_total{channel="phone",result!="sent"})', "{{result}}"),
            span=6,
        )
    )
    made.add(
        lines(
            "渠道上报 Results that channels report",
            "按结果；失败与不明应很少。By result; failed, in_doubt and unknown should be few.",
            Query(
                'sum by (channel, result) (rate(quanzu_dispatches_total{channel=~"$channel"}[$__rate_interval]))',
                "{{channel}} {{result}}",
            ),
            Query(
                'sum by (channel, why) (rate(quanzu_unknown_outcomes_total{channel=~"$channel"}[$__rate_interval]))',
                "{{channel}} 不明 unknown ({{why}})",
            ),
            unit="cps",
            span=10,
        )
    )
    made.add(
        lines(
            "上门 Visits",
            "派发与汇报。Dispatched, and reported.",
            Query('sum(increase(quanzu_steps_dispatched_total{channel="visit"}[1h]))', "派发 dispatched"),
            Query('sum(increase(quanzu_case_facts_total{fact="visit"}[1h]))', "汇报 reported"),
        )
    )


def _people(made: Board) -> None:
    made.row("人员 People")
    made.add(to_cases(number("等待坐席 Waiting for an operator", "预警。Cases.", Query("quanzu_desk_waiting"), bad=50)))
    made.add(
        number(
            "坐席 Operators",
            "接手人数、已接手的预警、一人最多。Operators with a case, claimed cases, the most per operator.",
            Query("quanzu_operators_with_case", "人 people"),
            Query("quanzu_cases_claimed", "预警 cases"),
            Query("quanzu_operator_cases_max", "最多 most"),
            span=6,
        )
    )
    made.add(
        number(
            "民警 Officers",
            "在岗、出警中、未结上门、一人最多。On duty, with a visit, open visits, the most per officer.",
            Query("quanzu_officers_on_duty", "在岗 on duty"),
            Query("quanzu_officers_with_visit", "出警 with a visit"),
            Query("quanzu_visits_under_way", "上门 visits"),
            Query("quanzu_officer_visits_max", "最多 most"),
            span=8,
        )
    )
    made.add(
        bars(
            "时限归属 Time limits by who is responsible",
            "累计按时比例。Share met, cumulative.",
            Query(
                'sum by (whose) (quanzu_clocks_total{end="kept",level=~"$level"}) / '
                '(sum by (whose) (quanzu_clocks_total{level=~"$level"}) > 0)',
                "{{whose}}",
            ),
            unit="percentunit",
            span=6,
        )
    )
    made.add(
        lines(
            "接手 Claims",
            "每小时。Per hour.",
            Query('sum(increase(quanzu_case_facts_total{fact="claimed"}[1h]))', "接手 claimed"),
        )
    )


def _kept_back(made: Board) -> None:
    made.row("限频与暂停外呼 Contact budget and outreach holds")
    made.add(
        lines(
            "限频推迟 Postponed by the contact budget",
            "按渠道与限额。By channel and limit.",
            Query(
                'sum by (channel, limit) (increase(quanzu_contacts_put_off_total{channel=~"$channel"}[1h])) '
                'or label_replace(vector(0), "channel", "none", "", "")',
                "{{channel}} {{limit}}",
            ),
        )
    )
    made.add(
        number(
            "暂停外呼 Outreach holds",
            "被暂停的步骤与生效的暂停外呼数。Steps on hold, and active outreach holds.",
            Query('sum(quanzu_steps_on_hold{level=~"$level"})', "步骤 steps"),
            Query("quanzu_holds", "暂停外呼 outreach holds"),
            span=8,
        )
    )
    made.add(
        number(
            "合并上门 Joint visits",
            "同址合并。Visits combined because the address is the same.",
            Query("sum(quanzu_visits_joined_total) or vector(0)"),
            span=8,
        )
    )
    _acceptance(made)


def _acceptance(made: Board) -> None:
    made.add(
        bars(
            "通知民警 Officers told",
            "推送、短信、电话、改派、值班室，按结果。By push, SMS, call, next officer, watch room, and result.",
            Query("sum by (rung, result) (quanzu_officer_rungs_total)", "{{rung}} {{result}}"),
        )
    )
    made.add(
        bars(
            "推送 Push messages",
            "按推送服务的答复。By the push service's answer.",
            Query("sum by (result) (quanzu_pushes_total)", "{{result}}"),
        )
    )
    made.add(
        lines(
            "接受用时 p95 Until accepted, p95",
            "从派出到接受，按最后一次通知的方式。From the dispatch, by the last rung.",
            Query(
                "histogram_quantile(0.95, sum by (le, rung) (rate(quanzu_officer_acceptance_seconds_bucket[1h])))",
                "{{rung}}",
            ),
            unit="s",
        )
    )


def _stops(made: Board) -> None:
    made.row("止付 Stop-payments")
    made.add(
        bars(
            "止付状态 Stop-payments by state",
            "按银行最后答复。By the bank's latest answer.",
            Query("quanzu_stop_payments", "{{state}}"),
        )
    )
    made.add(
        to_cases(
            number(
                "六小时内到期 Expiring within 6 h",
                "在办预警的止付。Of open cases.",
                Query("quanzu_stop_payments_running_out"),
                bad=1,
            )
        )
    )
    made.add(
        lines(
            "银行回复 Banks' answers",
            "请求结果。Results of requests.",
            Query('sum by (action, result) (quanzu_contacts_total{channel="payment"})', "{{action}} {{result}}"),
            span=12,
        )
    )
    _objections(made)
    made.add(
        bars(
            "跨省移交 Hand-overs to other provinces",
            "按时接收、不接收、逾期未确认、迟确认（两省同时办理）。"
            "Accepted in time, refused, unanswered, accepted late (both handle the resident).",
            Query("sum by (offer) (quanzu_handovers_total)", "{{offer}}"),
        )
    )


def _objections(made: Board) -> None:
    made.add(
        bars(
            "止付异议 Objections to stops",
            "提出、成立（按原因）、不成立。Made, upheld (by cause), rejected.",
            Query("sum by (outcome, cause) (quanzu_stop_objections_total)", "{{outcome}} {{cause}}"),
        )
    )
    made.add(
        lines(
            "异议用时 p95 Objections, p95",
            "到复核、到解除；时限 4 小时。Until the review, and until the stop is lifted: within 4 h.",
            Query(
                "histogram_quantile(0.95, sum by (le, outcome) (rate(quanzu_stop_objection_seconds_bucket[1d])))",
                "{{outcome}}",
            ),
            unit="s",
        )
    )
    made.add(
        bars(
            "不实举报 False reports",
            "按来源。By source.",
            Query("sum by (source) (quanzu_false_reports_total)", "{{source}}"),
        )
    )
