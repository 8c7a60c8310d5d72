"""Writes the dashboards and provisioning files: `python -m grafana.build`. A test holds them up to date."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.alerts import FOLDER, provisioning
from grafana.boards import BOARDS, made, prom_uid
from grafana.promql import PROM_UID
from grafana.query import UID

ROOT: Final = Path(__file__).resolve().parent
SOURCE_FILE: Final = {
    "apiVersion": 1,
    "datasources": [
        {
            "name": "Resilience",
            "uid": UID,
            "type": "influxdb",
            "access": "proxy",
            "url": "$INFLUXDB_V2_URL",
            "isDefault": True,
            "editable": False,
            "jsonData": {
                "version": "InfluxQL",
                "dbName": "$INFLUXDB_DATABASE",
                "httpMode": "POST",
                "httpHeaderName1": "Authorization",
                "timeInterval": "1s",
            },
            "secureJsonData": {"httpHeaderValue1": "Token $INFLUXDB_V2_TOKEN"},
        }
    ],
}
PROM_SOURCE_FILE: Final = {
    "apiVersion": 1,
    "datasources": [
        {
            "name": "Resilience in Prometheus",
            "uid": PROM_UID,
            "type": "prometheus",
            "access": "proxy",
            "url": "$PROMETHEUS_URL",
            "editable": False,
            "jsonData": {"httpMethod": "POST", "timeInterval": "1s"},
        }
    ],
}
BOARDS_FILE: Final = {
    "apiVersion": 1,
    "providers": [
        {
            "name": "resilience",
            "folder": FOLDER,
            "type": "file",
            "disableDeletion": True,
            "allowUiUpdates": False,
            "options": {"path": "/etc/grafana/dashboards"},
        }
    ],
}


def files() -> dict[Path, str]:
    """Every generated file: path under grafana/ → text. The provisioning files are JSON, which is YAML.

    Grafana puts environment variables into provisioning files: `$$` there is a plain `$`.
    """
    provisioned = {
        "datasources/resilience.yaml": SOURCE_FILE,
        "dashboards/resilience.yaml": BOARDS_FILE,
        "alerting/resilience.yaml": provisioning(),
    }
    boards = {f"dashboards/{board.uid}.json": made(board) for board in BOARDS}
    prometheus = {
        "prometheus/provisioning/datasources/resilience.yaml": PROM_SOURCE_FILE,
        "prometheus/provisioning/dashboards/resilience.yaml": BOARDS_FILE,
        **{f"prometheus/dashboards/{prom_uid(board)}.json": made(board, prom=True) for board in BOARDS},
    }
    found = {f"provisioning/{name}": content for name, content in provisioned.items()} | boards | prometheus
    return {Path(name): _text(content) for name, content in found.items()}


def _text(content: Any) -> str:
    return json.dumps(content, cls=JSONEncoder, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write them."""
    for name, text in files().items():
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
