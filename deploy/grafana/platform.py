"""Platform: workers, partitions, lag, Redis, Kafka, the feeds' age, CPU, memory, errors."""

from deploy.grafana.build import Board, Query, lines, number, rows

OURS = 'job=~"quanzu-.*"'


def board() -> Board:
    """Return the board of the platform."""
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
            "有主分区 Partitions with a worker",
            "有工作进程；应等于全部。Should equal the total.",
            Query("sum(quanzu_partition_owned)", "有主 owned"),
            Query("count(quanzu_partition_owned)", "全部 all"),
            span=6,
        )
    )
    made.add(
        number(
            "完整分区 Complete partitions",
            "存储完整；否则不报累计。Complete in the store; otherwise no totals are reported.",
            Query("sum(quanzu_partition_whole)", "完整 complete"),
            Query("count(quanzu_partition_whole)", "全部 all"),
            span=6,
        )
    )
    made.add(
        rows(
            "版本 Versions",
            "每个进程。Per process.",
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
    made.add(lines("策略 Policy", "在用策略。The current policy.", Query("quanzu_policy_info", "{{policy}}")))
    made.add(
        lines(
            "巡检心跳 Auditor heartbeat",
            "距上次，秒。Seconds since the last heartbeat.",
            Query("time() - quanzu_audit_beat_timestamp_seconds", "{{partition}}"),
            Query("max(quanzu_audit_walk_seconds)", "最长巡检 longest sweep"),
            unit="s",
        )
    )
    made.add(
        number(
            "审计 Audit",
            "未修复的巡检发现；审计链断裂。Unrepaired findings of the auditor; "
            "audit entries that were changed, removed or moved.",
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
            "可用 Reachable",
            "1 为可用。1 if reachable.",
            Query("quanzu_redis_up", "Redis"),
            Query("quanzu_kafka_up", "Kafka"),
            span=6,
        )
    )
    made.add(
        lines(
            "Redis 内存 Redis memory",
            "已用与上限。Used, and limit.",
            Query("quanzu_redis_memory_used_bytes", "已用 used"),
            Query("quanzu_redis_memory_limit_bytes", "上限 limit"),
            unit="bytes",
            span=6,
        )
    )
    made.add(
        number(
            "Redis 副本与持久化 Redis replicas and AOF",
            "副本数；AOF 正常为 1。Number of replicas; AOF is 1 if the file is being written.",
            Query("quanzu_redis_replicas", "副本 replicas"),
            Query("quanzu_redis_aof_ok", "AOF"),
            span=6,
        )
    )
    made.add(
        lines(
            "未复制的标记 Marks without a replica",
            "发送前 0.1 秒内无副本确认。No replica confirmed them within 0.1 s before a contact.",
            Query("sum(rate(quanzu_marks_not_replicated_total[5m]))", "每秒 per second"),
            span=6,
        )
    )
    made.add(
        number(
            "Kafka 节点 Brokers",
            "能否连通。By reachability.",
            Query("quanzu_kafka_brokers", "{{reached}}"),
            span=6,
        )
    )
    made.add(
        number(
            "Kafka 副本 Kafka replicas",
            "缺副本、低于最少同步、无主。Under-replicated, below the minimum in sync, without a leader.",
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
            "距上次线索 Time since the last signal",
            "实际时间。Elapsed real time.",
            Query('quanzu_feed_age_seconds{source=~"$source"}', "{{source}}"),
            unit="s",
        )
    )
    made.add(
        rows(
            "线索中断 Feed outage",
            "1 为告警。1 raises an alarm.",
            Query('quanzu_feed_silent{source=~"$source"}', now=True),
        )
    )
    made.add(
        number("接收关闭 Intake closed", "由人关闭。Closed by a person.", Query("quanzu_intake_closed"), bad=1, span=4)
    )


def _resources(made: Board) -> None:
    made.row("资源 Resources")
    for title, about, expr, unit in (
        (
            "处理器 CPU",
            "每进程核数。Cores per process.",
            "rate(process_cpu_seconds_total{%s}[$__rate_interval])",
            "short",
        ),
        ("内存 Memory", "常驻内存。Resident memory.", "process_resident_memory_bytes{%s}", "bytes"),
        ("文件句柄 Open files", "每进程。Per process.", "process_open_fds{%s}", "short"),
        (
            "垃圾回收 Garbage collections",
            "最老一代每秒。Oldest generation, per second.",
            'rate(python_gc_collections_total{generation="2",%s}[$__rate_interval])',
            "cps",
        ),
    ):
        made.add(lines(title, about, Query(expr % OURS, "{{job}} {{instance}}"), unit=unit, span=6))
    made.add(
        lines(
            "时钟 Clocks",
            "本机领先与误差。Lead of a machine's clock, and the largest possible error of the workers' time.",
            Query("quanzu_clock_ahead_seconds", "{{instance}}"),
            Query("max(quanzu_clock_error_seconds)", "误差 error"),
            unit="s",
        )
    )


def _errors(made: Board) -> None:
    made.row("错误 Errors")
    made.add(
        lines(
            "重试 Retries",
            "服务器不可用时。While a server was unavailable.",
            Query("sum by (what) (rate(quanzu_retries_total[$__rate_interval])) or vector(0)", "{{what}}"),
            unit="cps",
        )
    )
    made.add(
        lines(
            "无法读取的自有记录 Unreadable records on our own topics",
            "应为零。Should be zero.",
            Query("sum by (topic) (increase(quanzu_records_passed_over_total[1h])) or vector(0)", "{{topic}}"),
        )
    )
    made.add(
        lines(
            "导出器 Exporter",
            "每次查询用时与失败。Duration and failures of each query.",
            Query("quanzu_exporter_look_seconds", "{{look}}"),
            Query("sum(increase(quanzu_exporter_failures_total[1h]))", "失败 failures"),
        )
    )
    made.add(
        number(
            "策略熔断 Policies stopped",
            "由熔断器停用。By the breaker.",
            Query("sum(quanzu_policies_stopped_total)"),
            bad=1,
        )
    )
    made.add(
        number(
            "旧密钥回执 Receipts with the previous secret",
            "一天内，更换密钥期间。Per day, while providers change to the new secret.",
            Query("sum(increase(quanzu_receipts_by_secret_before_total[1d])) or vector(0)"),
        )
    )
