"""`python -m deploy.grafana` writes the dashboards' JSON, and where the map finds prefectures."""

from deploy.grafana.written import written


def main() -> None:
    """Write the dashboards' JSON files and gazetteer.json. Raises OSError if a file cannot be written."""
    for path, text in written().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
