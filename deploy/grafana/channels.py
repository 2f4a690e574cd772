"""Channels and people: what carriers, banks, operators and officers do, and how much they have to do."""

from deploy.grafana.build import Board, Query, bars, lines, number, to_cases


def board() -> Board:
    """The board, whole."""
    made = Board(
        "quanzu-channels",
        "劝阻 · 渠道与人员 Channels and people",
        "短信、电话、上门、止付；坐席与民警负荷；限频。SMS, calls, visits, stop-payments, workload, contact budget.",
        ("channel", "level"),
    )
    _messages(made)
    _gateway(made)
    _calls(made)
    _voice_gateway(made)
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


def _gateway(made: Board) -> None:
    made.row("短信网关 SMS gateway")
    made.add(
        lines(
            "运营商应答 Answers of carriers",
            "每秒短信条数，按运营商与应答。Segments a second, by carrier and answer.",
            Query(
                "sum by (carrier, answer) (rate(quanzu_sms_submitted_total[$__rate_interval]))",
                "{{carrier}} {{answer}}",
            ),
            Query(
                "sum by (carrier, result) (rate(quanzu_sms_receipts_total[$__rate_interval]))", "{{carrier}} {{result}}"
            ),
            unit="cps",
        )
    )
    made.add(
        number(
            "网关状态 State",
            "运营商：连接、变慢；短信：等待、不明、过期。Carriers bound, slow; messages waiting, in doubt, expired.",
            Query("sum(quanzu_sms_bound)", "连接 bound"),
            Query("sum(quanzu_sms_slow)", "变慢 slow"),
            Query("sum(quanzu_sms_waiting)", "等待 waiting"),
            Query("sum(quanzu_sms_in_doubt)", "不明 in doubt"),
            Query("sum(increase(quanzu_sms_expired_total[1h]))", "过期 expired"),
            span=8,
        )
    )
    made.add(
        lines(
            "运营商时延 Delay of carriers",
            "至应答、至回执，p90。To the answer and the receipt, p90.",
            Query(
                "histogram_quantile(0.9, sum by (le, carrier) "
                "(rate(quanzu_sms_answer_seconds_bucket[$__rate_interval])))",
                "{{carrier}} 应答 answer",
            ),
            Query(
                "histogram_quantile(0.9, sum by (le, carrier) "
                "(rate(quanzu_sms_receipt_seconds_bucket[$__rate_interval])))",
                "{{carrier}} 回执 receipt",
            ),
            unit="s",
        )
    )
    made.add(
        lines(
            "短信与条数 Orders and segments",
            "每小时，按文本语言；窗口占用；未收下的结果；居民回复。"
            "Per hour, by language; the window's use; results not accepted; residents' replies.",
            Query("sum by (language) (increase(quanzu_sms_orders_total[1h]))", "{{language}} 短信 orders"),
            Query("sum by (language) (increase(quanzu_sms_segments_total[1h]))", "{{language}} 条 segments"),
            Query("sum by (carrier) (quanzu_sms_window_used)", "{{carrier}} 窗口 window"),
            Query("sum(increase(quanzu_sms_receipts_untold_total[1h]))", "未收下 not accepted"),
            Query("sum by (carrier) (increase(quanzu_sms_replies_total[1h]))", "{{carrier}} 回复 replies"),
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


def _voice_gateway(made: Board) -> None:
    made.row("语音网关 Voice gateway")
    made.add(
        number(
            "中继可用 Trunk up",
            "0：中继无应答或拒绝注册。0: the trunk does not answer, or refuses the registration.",
            Query("min(quanzu_voice_trunk_up)"),
            span=4,
        )
    )
    made.add(
        number(
            "存疑呼叫 Calls in doubt",
            "网关中断时正在进行的呼叫，不再重拨。Under way when the gateway died; never dialled again.",
            Query("sum(quanzu_voice_calls_in_doubt)"),
            span=4,
        )
    )
    made.add(
        bars(
            "呼叫结果 Calls by result",
            "累计。Cumulative.",
            Query("sum by (result) (quanzu_voice_calls_total)", "{{result}}"),
            span=8,
        )
    )
    made.add(
        bars(
            "语音来源与回执 Speech and receipts",
            "录音或合成；回执的送达。Recorded or synthesised; how receipts went.",
            Query("sum by (source) (quanzu_voice_messages_total)", "{{source}}"),
            Query("sum by (outcome) (quanzu_voice_receipts_total)", "{{outcome}}"),
            span=8,
        )
    )
    made.add(
        lines(
            "并发与等待 Concurrent and waiting",
            "通话中的呼叫；等待线路的任务。Calls under way; orders that wait for a line.",
            Query("sum(quanzu_voice_calls_concurrent)", "通话中 concurrent"),
            Query("sum(quanzu_voice_orders_waiting)", "等待 waiting"),
            span=12,
        )
    )
    made.add(
        lines(
            "接续时间与语音延迟 Setup time and packet delay",
            "p99：从 INVITE 到最终应答；语音包的延迟。From the INVITE to its final answer; lateness of the sound.",
            *(
                Query(
                    f"histogram_quantile(0.99, sum by (le) (rate({name}_bucket[$__rate_interval])))",
                    f"p99 {name.removeprefix('quanzu_voice_')}",
                )
                for name in ("quanzu_voice_setup_seconds", "quanzu_voice_packet_delay_seconds")
            ),
            unit="s",
            span=12,
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
