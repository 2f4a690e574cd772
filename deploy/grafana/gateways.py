"""The rows of the SMS and voice gateways on the board of channels and people (channels.py)."""

from deploy.grafana.build import Board, Query, bars, lines, number


def sms_gateway(made: Board) -> None:
    """Add the row of the SMS gateway, with its panels, to the board `made`."""
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
            "每小时，按文本语言；窗口占用；未收下的结果与回复；居民回复；运营商当日自报数。"
            "Per hour, by language; the window's use; results and replies not accepted; replies; the carrier's day.",
            Query("sum by (language) (increase(quanzu_sms_orders_total[1h]))", "{{language}} 短信 orders"),
            Query("sum by (language) (increase(quanzu_sms_segments_total[1h]))", "{{language}} 条 segments"),
            Query("sum by (carrier) (quanzu_sms_window_used)", "{{carrier}} 窗口 window"),
            Query("sum(increase(quanzu_sms_receipts_untold_total[1h]))", "未收下 not accepted"),
            Query("sum(increase(quanzu_sms_replies_untold_total[1h]))", "回复未收下 replies not accepted"),
            Query("sum by (taking) (increase(quanzu_sms_replies_total[1h]))", "回复 replies {{taking}}"),
            Query(
                "sum by (carrier, fault) (increase(quanzu_sms_delivery_faults_total[1h]))",
                "{{carrier}} 无法收下 faulty {{fault}}",
            ),
            Query('sum by (carrier) (quanzu_sms_carrier_day{counted="delivered"})', "{{carrier}} 当日送达 its day"),
        )
    )


def voice_gateway(made: Board) -> None:
    """Add the row of the voice gateway, with its panels and those of operators' calls, to the board `made`."""
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
            "p99：从拨出到接听、拒接或放弃，含振铃；语音包的延迟。"
            "From dialling until answered, refused or given up, with the ringing; lateness of the sound.",
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
    made.add(
        bars(
            "坐席通话结果 Operators' calls by result",
            "累计。Cumulative.",
            Query("sum by (result) (quanzu_voice_operator_calls_total)", "{{result}}"),
            span=12,
        )
    )
    made.add(
        lines(
            "坐席通话 Operators' calls under way",
            "话机振铃、呼叫居民或通话中。Ringing or talking.",
            Query("sum(quanzu_voice_operator_calls_concurrent)", "进行中 under way"),
            span=12,
        )
    )
    _incoming(made)


def _incoming(made: Board) -> None:
    """Add the panels of calls to the centre."""
    made.add(
        lines(
            "96110 来电等候 Callers waiting",
            "等候人数、可接听坐席、通话与等候合计。Callers waiting, operators ready, calls under way.",
            Query("sum(quanzu_voice_incoming_waiting)", "等候 waiting"),
            Query("sum(quanzu_voice_operators_ready)", "可接听坐席 operators ready"),
            Query("sum(quanzu_voice_incoming_calls_concurrent)", "进行中 under way"),
            span=8,
        )
    )
    made.add(
        lines(
            "最久等候 Longest wait",
            "第一位来电人已等候的时间，及告警时限。Of the first caller; and from when on an alarm is raised.",
            Query("max(quanzu_voice_incoming_longest_wait_seconds)", "最久 longest"),
            Query("max(quanzu_voice_incoming_alarm_seconds)", "告警 alarm"),
            unit="s",
            span=8,
        )
    )
    made.add(
        lines(
            "来电结果与待回电 Results and call-backs",
            "每小时来电，按结果；未接入的来电；待回电数与最早一件的时间。"
            "Calls an hour, by result; not taken; to call back, and the age of the oldest.",
            Query("sum by (result) (increase(quanzu_voice_incoming_calls_total[1h]))", "{{result}}"),
            Query("sum by (why) (increase(quanzu_voice_incoming_refused_total[1h]))", "未接入 not taken {{why}}"),
            Query("max(quanzu_call_backs_open)", "待回电 to call back"),
            Query("max(quanzu_call_backs_oldest_seconds) / 60", "最早（分）oldest (min)"),
            span=8,
        )
    )
