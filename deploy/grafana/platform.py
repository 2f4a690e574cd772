"""Platform: workers, partitions, lag, Redis, Kafka, the feeds' age, CPU, memory, errors."""

from deploy.grafana.build import Board, Query, lines, number, rows

OURS = 'job=~"quanzu-.*"'


def board() -> Board:
    """The board, whole."""
    made = Board(
        "quanzu-platform",
        "劝阻 · 平台 Platform",
        "进程、分区、积压、Redis、Kafka、数据源、资源、错误。Workers, partitions, servers, feeds, resources, errors.",
        ("source",),
    )
    _workers(made)
    _redis_and_kafka(made)
    _feeds(made)
    _resources(made)
    _errors(made)
    return made


def _workers(made: Board) -> None:
    made.row("进程与分区 Workers and partitions")
    made.add(
        number("在线进程 Processes up", "按任务。By job.", Query(f"sum by (job) (up{{{OURS}}})", "{{job}}"), span=6)
    )
    made.add(
        number(
            "有主分区 Partitions worked on",
            "有工作进程；应等于全部。With a worker; all of them should be.",
            Query("sum(quanzu_partition_owned)", "有主 owned"),
            Query("count(quanzu_partition_owned)", "全部 all"),
            span=6,
        )
    )
    made.add(
        number(
            "完整分区 Partitions whole",
            "存储完整；否则不报累计。In the store whole; else no tally is told.",
            Query("sum(quanzu_partition_whole)", "完整 whole"),
            Query("count(quanzu_partition_whole)", "全部 all"),
            span=6,
        )
    )
    made.add(
        rows(
            "版本 Versions",
            "每个进程。Of each process.",
            Query("quanzu_build_info", now=True),
            span=6,
        )
    )
    made.add(
        lines(
            "积压 Lag by worker",
            "记录数。Records.",
            Query("sum by (instance) (quanzu_lag_records)", "{{instance}}"),
        )
    )
    made.add(lines("策略 Policy", "在用策略。The one in force.", Query("quanzu_policy_info", "{{policy}}")))
    made.add(
        lines(
            "审计心跳 The auditor's beat",
            "距上次，秒。Seconds since the last one.",
            Query("time() - quanzu_audit_beat_timestamp_seconds", "{{partition}}"),
            Query("max(quanzu_audit_walk_seconds)", "巡检用时 longest walk"),
            unit="s",
        )
    )
    made.add(
        number(
            "审计 Audit",
            "未修复发现；审计链断裂。Violations not repaired; audit records that were changed, removed or moved.",
            Query("sum(quanzu_audit_findings_open)", "发现 findings"),
            Query("quanzu_audit_chain_faults", "断链 chain faults"),
            bad=1,
            span=6,
        )
    )


def _redis_and_kafka(made: Board) -> None:
    made.row("Redis 与 Kafka")
    made.add(
        number(
            "可用 They answer",
            "1 为可用。1 while they do.",
            Query("quanzu_redis_up", "Redis"),
            Query("quanzu_kafka_up", "Kafka"),
            span=6,
        )
    )
    made.add(
        lines(
            "Redis 内存 Memory of Redis",
            "已用与上限。Used, and the limit.",
            Query("quanzu_redis_memory_used_bytes", "已用 used"),
            Query("quanzu_redis_memory_limit_bytes", "上限 limit"),
            unit="bytes",
            span=6,
        )
    )
    made.add(
        number(
            "Redis 副本与持久化 Replicas and AOF",
            "副本数；AOF 正常为 1。How many replicas; 1 while the file is written.",
            Query("quanzu_redis_replicas", "副本 replicas"),
            Query("quanzu_redis_aof_ok", "AOF"),
            span=6,
        )
    )
    made.add(
        lines(
            "未复制的标记 Marks that no replica had",
            "发送前 0.1 秒内无副本确认。No replica had them 0.1 s before a contact.",
            Query("sum(rate(quanzu_marks_not_replicated_total[5m]))", "每秒 a second"),
            span=6,
        )
    )
    made.add(
        number(
            "Kafka 节点 Brokers",
            "能否连通。By whether they can be reached.",
            Query("quanzu_kafka_brokers", "{{reached}}"),
            span=6,
        )
    )
    made.add(
        number(
            "Kafka 副本 Copies",
            "缺副本、低于最少同步、无主。Under-replicated, below the least in sync, without a leader.",
            Query("quanzu_kafka_partitions_under_replicated", "缺副本 under-replicated"),
            Query("quanzu_kafka_partitions_below_min_isr", "低于最少 below min ISR"),
            Query("quanzu_kafka_partitions_without_leader", "无主 no leader"),
            bad=1,
            span=8,
        )
    )


def _feeds(made: Board) -> None:
    made.row("数据源 Feeds")
    made.add(
        lines(
            "距上次信号 Since the last signal",
            "墙上时间。Wall time.",
            Query('quanzu_feed_age_seconds{source=~"$source"}', "{{source}}"),
            unit="s",
        )
    )
    made.add(
        rows(
            "线索中断 Feed outage",
            "1 为告警。1 is an alarm.",
            Query('quanzu_feed_silent{source=~"$source"}', now=True),
        )
    )
    made.add(number("接收关闭 Intake closed", "由人关闭。By a person.", Query("quanzu_intake_closed"), bad=1, span=4))


def _resources(made: Board) -> None:
    made.row("资源 Resources")
    for title, about, expr, unit in (
        (
            "处理器 CPU",
            "每进程核数。Cores of each process.",
            "rate(process_cpu_seconds_total{%s}[$__rate_interval])",
            "short",
        ),
        ("内存 Memory", "常驻。Resident.", "process_resident_memory_bytes{%s}", "bytes"),
        ("文件句柄 Open files", "每进程。Of each process.", "process_open_fds{%s}", "short"),
        (
            "垃圾回收 Garbage collections",
            "最老一代每秒。Of the oldest generation, a second.",
            'rate(python_gc_collections_total{generation="2",%s}[$__rate_interval])',
            "cps",
        ),
    ):
        made.add(lines(title, about, Query(expr % OURS, "{{job}} {{instance}}"), unit=unit, span=6))
    made.add(
        lines(
            "时钟 Clocks",
            "本机领先与误差。By how much a machine is ahead, and how sure that is.",
            Query("quanzu_clock_ahead_seconds", "{{instance}}"),
            Query("max(quanzu_clock_error_seconds)", "误差 error"),
            unit="s",
        )
    )


def _errors(made: Board) -> None:
    made.row("错误 Errors")
    made.add(
        lines(
            "重试 Tried again",
            "服务器不可用时。While a server was away.",
            Query("sum by (what) (rate(quanzu_retries_total[$__rate_interval])) or vector(0)", "{{what}}"),
            unit="cps",
        )
    )
    made.add(
        lines(
            "读不懂的自有记录 Records of ours that could not be read",
            "应为零。Should be none.",
            Query("sum by (topic) (increase(quanzu_records_passed_over_total[1h])) or vector(0)", "{{topic}}"),
        )
    )
    made.add(
        lines(
            "导出器 The exporter",
            "每次查看用时与失败。How long each look takes, and failures.",
            Query("quanzu_exporter_look_seconds", "{{look}}"),
            Query("sum(increase(quanzu_exporter_failures_total[1h]))", "失败 failures"),
        )
    )
    made.add(
        number(
            "策略熔断 Policies stopped", "由熔断器。By the breaker.", Query("sum(quanzu_policies_stopped_total)"), bad=1
        )
    )
    made.add(
        number(
            "旧密钥回执 Receipts by the former secret",
            "一天内，更换密钥期间。In a day, while providers change over.",
            Query("sum(increase(quanzu_receipts_by_secret_before_total[1d])) or vector(0)"),
        )
    )
