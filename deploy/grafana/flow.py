"""Flow: each stage's rate and latency from signal to dissuaded; what waits; whether all came out somewhere."""

from deploy.grafana.build import Board, Query, heat, lines, number, to_cases

SHARES = ("0.5", "0.99")


def board() -> Board:
    """The board, whole."""
    made = Board(
        "quanzu-flow",
        "劝阻 · 流程 Flow",
        "从信号到劝阻：各环节速率与时延、守恒、积压、死信、时限。From signal to dissuaded.",
        ("source", "level", "channel"),
    )
    _rates(made)
    _latencies(made)
    _conservation(made)
    _waiting(made)
    return made


def _rates(made: Board) -> None:
    made.row("速率 Rates")
    for title, about, expr, legend in (
        (
            "接收 Accepted",
            "已写入 Kafka 的信号。Signals that Kafka has.",
            'sum by (source) (rate(quanzu_signals_accepted_total{source=~"$source"}[$__rate_interval]))',
            "{{source}}",
        ),
        (
            "模型比对 Screened",
            "按去向。By what became of them.",
            'sum by (outcome) (rate(quanzu_signals_screened_total{source=~"$source"}[$__rate_interval]))',
            "{{outcome}}",
        ),
        (
            "预警生成 Cases opened",
            "按初始等级。By the level they began with.",
            'sum by (level) (rate(quanzu_cases_opened_total{level=~"$level"}[$__rate_interval]))',
            "{{level}}",
        ),
        (
            "升级 Levels raised",
            "升至。To which level.",
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
            "回执 Results",
            "按渠道。By channel.",
            'sum by (channel) (rate(quanzu_contacts_total{channel=~"$channel"}[$__rate_interval]))',
            "{{channel}}",
        ),
        (
            "劝阻 Dissuaded",
            "预警进入已劝阻。Cases that came into this state.",
            'sum by (basis) (rate(quanzu_case_states_total{basis!=""}[$__rate_interval]))',
            "{{basis}}",
        ),
    ):
        made.add(lines(title, about, Query(expr, legend), unit="cps", span=6))


def _latencies(made: Board) -> None:
    made.row("时延 Latencies")
    for title, about, metric, by in (
        ("信号到预警 Signal to alert", "到达至发出。From arrival.", "quanzu_signal_to_alert_seconds", ""),
        ("预警到派发 Alert to dispatch", "首次派发。The first one.", "quanzu_alert_to_dispatch_seconds", ""),
        (
            "派发到回执 Dispatch to receipt",
            "首个回执。The first result.",
            'quanzu_dispatch_to_receipt_seconds{channel=~"$channel"}',
            "channel",
        ),
        ("到期误差 Deadline error", "处理晚了多少。How late they were acted on.", "quanzu_deadline_error_seconds", ""),
    ):
        made.add(lines(title, about, *(_quantile(share, metric, by) for share in SHARES), unit="s", span=6))
    made.add(
        heat(
            "到期误差分布 Deadline error, spread",
            "各档次数。How often in each bucket.",
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
            "接收与去向 Accepted, and come out",
            "两本账，应当重合。Two books that must agree.",
            Query("quanzu:signals_accepted:increase1h", "接收 accepted"),
            Query("quanzu:signals_screened:increase1h", "去向 come out"),
        )
    )
    made.add(
        number(
            "累计去向 All signals by outcome",
            "账本累计，等于日志。As the books have it.",
            Query('sum by (outcome) (quanzu_signals{source=~"$source"})', "{{outcome}}"),
            span=16,
        )
    )


def _waiting(made: Board) -> None:
    made.row("积压与时限 Backlog and deadlines")
    made.add(
        lines(
            "未入库 Not taken in",
            "存储落后于主题的记录数。Records that the store lacks.",
            Query("quanzu_behind_records", "{{topic}}"),
        )
    )
    made.add(
        lines(
            "工作进程积压 Lag of the workers",
            "按主题。By topic.",
            Query("sum by (topic) (quanzu_lag_records)", "{{topic}}"),
        )
    )
    made.add(
        lines(
            "未发布 Not published",
            "已决定而日志尚未确认。Decided, and the journal is not known to have it.",
            Query("sum(quanzu_outbox_entries)", "outbox"),
        )
    )
    made.add(
        number(
            "逾期时限 Deadlines overdue",
            "已到期未处理。Passed and not acted on.",
            Query("sum(quanzu_deadlines_overdue)"),
            bad=10,
        )
    )
    made.add(
        to_cases(
            number(
                "逾期步骤 Steps overdue",
                "超过 15 秒。By more than 15 s.",
                Query('quanzu_steps_overdue{level=~"$level"}', "{{level}}"),
                bad=1,
                span=8,
            ),
            "level",
        )
    )
    made.add(
        number("最久逾期 The oldest", "墙上时间。Wall time.", Query("quanzu_oldest_overdue_seconds"), unit="s", bad=60)
    )
    made.add(
        number(
            "待处理死信 Dead letters open",
            "按来源。By source.",
            Query('sum by (source) (quanzu_dead_letters_open{source=~"$source|signals.*|case-inputs"})', "{{source}}"),
            bad=1,
            span=8,
        )
    )
    made.add(
        lines(
            "死信 Dead letters",
            "累计。All since the processes began.",
            Query("sum by (source) (quanzu_dead_letters_total)", "{{source}}"),
        )
    )
