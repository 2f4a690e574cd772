"""Flow: each stage's rate and latency from signal to dissuaded; what waits; whether all came out somewhere."""

from deploy.grafana.build import Board, Query, bars, heat, lines, number, to_cases

SHARES = ("0.5", "0.99")


def board() -> Board:
    """Return the board of the flow from signal to dissuasion."""
    made = Board(
        "quanzu-flow",
        "劝阻 · 流程 Flow",
        "从线索到劝阻：各环节速率与时延、守恒、积压、死信、时限。From signal to dissuasion: rates and latencies, "
        "conservation, backlog, dead letters, deadlines.",
        ("source", "level", "channel"),
    )
    _rates(made)
    _latencies(made)
    _payees(made)
    _public_check(made)
    _other_centres(made)
    _conservation(made)
    _waiting(made)
    return made


def _rates(made: Board) -> None:
    made.row("速率 Rates")
    for title, about, expr, legend in (
        (
            "接收 Accepted",
            "已写入 Kafka 的线索。Signals stored by Kafka.",
            'sum by (source) (rate(quanzu_signals_accepted_total{source=~"$source"}[$__rate_interval]))',
            "{{source}}",
        ),
        (
            "模型比对 Screened",
            "按结果。By outcome.",
            'sum by (outcome) (rate(quanzu_signals_screened_total{source=~"$source"}[$__rate_interval]))',
            "{{outcome}}",
        ),
        (
            "预警生成 Cases opened",
            "按初始等级。By initial level.",
            'sum by (level) (rate(quanzu_cases_opened_total{level=~"$level"}[$__rate_interval]))',
            "{{level}}",
        ),
        (
            "升级 Levels raised",
            "按升至的等级。By new level.",
            'sum by (level) (rate(quanzu_cases_level_raised_total{level=~"$level"}[$__rate_interval]))',
            "{{level}}",
        ),
        (
            "派发 Dispatched",
            "按渠道。By channel.",
            'sum by (channel) (rate(quanzu_steps_dispatched_total{channel=~"$channel"}[$__rate_interval]))',
            "{{channel}}",
        ),
        (
            "联系结果 Contact results",
            "按渠道。By channel.",
            'sum by (channel) (rate(quanzu_contacts_total{channel=~"$channel"}[$__rate_interval]))',
            "{{channel}}",
        ),
        (
            "劝阻 Dissuaded",
            "预警进入已劝阻。Cases that became dissuaded.",
            'sum by (basis) (rate(quanzu_case_states_total{basis!=""}[$__rate_interval]))',
            "{{basis}}",
        ),
    ):
        made.add(lines(title, about, Query(expr, legend), unit="cps", span=6))


def _payees(made: Board) -> None:
    made.row("付款前核查 Payee checks")
    made.add(
        lines(
            "付款前核查 Payee checks",
            "按答复；查无记录不代表安全。By answer; not_known is no statement of safety.",
            Query(
                'sum by (answer) (rate(quanzu_payee_checks_total{source=~"$source"}[$__rate_interval]))', "{{answer}}"
            ),
            unit="cps",
        )
    )
    made.add(
        lines(
            "核查用时 Time of a payee check",
            "请求到答复。From the request to the answer.",
            *(_quantile(share, "quanzu_payee_check_seconds", "") for share in SHARES),
            unit="s",
        )
    )
    made.add(
        number(
            "核查后放弃付款 Abandoned after a check",
            "单列，不计入劝阻和避免损失。A class of its own, in neither dissuaded nor loss avoided.",
            Query(
                'sum by (answer) (increase(quanzu_payee_checks_abandoned_total{source=~"$source"}[$__range]))',
                "{{answer}}",
            ),
            span=8,
        )
    )


def _public_check(made: Board) -> None:
    made.row("风险查询 Public check")
    made.add(
        lines(
            "风险查询 Questions to the public check",
            "按处理结果和种类；服务器不知道查询的号码和结果。By outcome and kind: the server learns neither the number "
            "nor the answer.",
            Query(
                "sum by (outcome, kind) (rate(quanzu_public_checks_total[$__rate_interval]))", "{{outcome}} {{kind}}"
            ),
            unit="cps",
        )
    )
    made.add(
        lines(
            "查询用时 Time of a public check",
            "提问到答复。From the question to the answer.",
            *(_quantile(share, "quanzu_public_check_seconds", "") for share in SHARES),
            unit="s",
        )
    )


def _other_centres(made: Board) -> None:
    made.row("与外省共享 Shared with other centres")
    made.add(
        bars(
            "共享对象 Objects of STIX by result",
            "收到的按结果，另有已提供的（served）。Received, by result; and those that other centres read (served).",
            Query(
                'sum by (source, result) (increase(quanzu_stix_objects_total{source=~"$source"}[$__range]))',
                "{{source}} {{result}}",
            ),
            span=24,
        )
    )


def _latencies(made: Board) -> None:
    made.row("时延 Latencies")
    for title, about, metric, by in (
        (
            "线索到预警信号 Signal to alert",
            "到达至发出。From a signal's arrival to its alert.",
            "quanzu_signal_to_alert_seconds",
            "",
        ),
        (
            "预警信号到派发 Alert to dispatch",
            "至首次派发。To the first dispatch.",
            "quanzu_alert_to_dispatch_seconds",
            "",
        ),
        (
            "派发到回执 Dispatch to receipt",
            "至首个回执。To the first receipt.",
            'quanzu_dispatch_to_receipt_seconds{channel=~"$channel"}',
            "channel",
        ),
        (
            "到期误差 Deadline error",
            "处理晚了多少。Delay until a worker acts on a deadline.",
            "quanzu_deadline_error_seconds",
            "",
        ),
    ):
        made.add(lines(title, about, *(_quantile(share, metric, by) for share in SHARES), unit="s", span=6))
    made.add(
        heat(
            "到期误差分布 Distribution of deadline error",
            "各档次数。Number of deadlines per bucket.",
            Query(
                "sum by (le) (increase(quanzu_deadline_error_seconds_bucket[$__rate_interval]))", "{{le}}", heat=True
            ),
            span=12,
        )
    )


def _quantile(share: str, metric: str, by: str) -> Query:
    name, brace, labels = metric.partition("{")
    rate = f"rate({name}_bucket{brace}{labels}[$__rate_interval])"
    groups = f"le, {by}" if by else "le"
    legend = f"p{float(share) * 100:g}" + (f" {{{{{by}}}}}" if by else "")
    return Query(f"histogram_quantile({share}, sum by ({groups}) ({rate}))", legend)


def _conservation(made: Board) -> None:
    made.row("守恒 Conservation")
    made.add(
        lines(
            "接收与结果 Accepted, and with an outcome",
            "两个独立计数，应当重合。Two independent counts that must agree.",
            Query("quanzu:signals_accepted:increase1h", "接收 accepted"),
            Query("quanzu:signals_screened:increase1h", "结果 with outcome"),
        )
    )
    made.add(
        number(
            "累计结果 All signals by outcome",
            "累计，等于处置日志。Cumulative; equals the journal.",
            Query('sum by (outcome) (quanzu_signals{source=~"$source"})', "{{outcome}}"),
            span=16,
        )
    )


def _waiting(made: Board) -> None:
    made.row("积压与时限 Backlog and deadlines")
    made.add(
        lines(
            "网上举报 Online reports",
            "待核实、已核实、不采纳，保存期内的全部。By state; all that are still kept.",
            Query("sum by (state) (quanzu_public_reports)", "{{state}}"),
        )
    )
    made.add(
        lines(
            "未入库 Not yet processed",
            "存储落后于主题的记录数。Records on the topic that the store does not reflect yet.",
            Query("quanzu_behind_records", "{{topic}}"),
        )
    )
    made.add(
        lines(
            "工作进程积压 Lag of workers",
            "按主题。By topic.",
            Query("sum by (topic) (quanzu_lag_records)", "{{topic}}"),
        )
    )
    made.add(
        lines(
            "未发布 Outbox",
            "已决定而处置日志尚未确认。Decided, but not yet confirmed by the journal's topic.",
            Query("sum(quanzu_outbox_entries)", "outbox"),
        )
    )
    made.add(
        number(
            "逾期时限 Overdue deadlines",
            "已到期未处理。Due, but no worker has acted on them.",
            Query("sum(quanzu_deadlines_overdue)"),
            bad=10,
        )
    )
    made.add(
        to_cases(
            number(
                "逾期步骤 Overdue steps",
                "逾期超过 15 秒。Overdue by more than 15 s.",
                Query('quanzu_steps_overdue{level=~"$level"}', "{{level}}"),
                bad=1,
                span=8,
            ),
            "level",
        )
    )
    made.add(
        number(
            "最久逾期 Oldest overdue step",
            "实际时间。Elapsed real time.",
            Query("quanzu_oldest_overdue_seconds"),
            unit="s",
            bad=60,
        )
    )
    made.add(
        number(
            "待处理死信 Open dead letters",
            "按来源。By source.",
            Query('sum by (source) (quanzu_dead_letters_open{source=~"$source|signals.*|.*-inputs"})', "{{source}}"),
            bad=1,
            span=8,
        )
    )
    made.add(
        lines(
            "死信 Dead letters",
            "累计。Cumulative since the processes started.",
            Query("sum by (source) (quanzu_dead_letters_total)", "{{source}}"),
        )
    )
