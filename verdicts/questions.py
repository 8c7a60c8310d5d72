"""The verification points of the resilience plan, in its order."""

from __future__ import annotations

from typing import Final, NamedTuple

_BEFORE_MVP: Final = "before the MVP"
_AT_100: Final = "at 100 MAU"
_AT_500: Final = "at 500 MAU"
_BEFORE_1000: Final = "before 1,000 MAU"


class Question(NamedTuple):
    """One verification point. `scenario` is the attack that answers it."""

    id: str
    priority: str
    scenario: str
    when: str
    en: str
    ja: str

    def text(self, language: str = "en") -> str:
        """The question in a language of the report."""
        return self.ja if language == "ja" else self.en


_ALL: Final = (
    Question("P0.1", "P0", "slow-api", _AT_100,
             "How many slow calls run at once?",
             "遅いツール呼び出しは同時にいくつ実行されるか"),
    Question("P0.2", "P0", "slow-api", _AT_100,
             "How does memory grow with goroutines?",
             "goroutine数に対してメモリはどう増えるか"),
    Question("P0.3", "P0", "slow-api", _AT_100,
             "How many goroutines does a nano instance really bear, before and after each protection?",
             "nanoインスタンスは実際に何goroutineまで耐えられるか(各保護機構の導入前と導入後)"),
    Question("P0.4", "P0", "upstream-outage", _BEFORE_1000,
             "Does an upstream's outage cascade to other tools, what does the breaker change, "
             "and how long is recovery?",
             "外部APIの障害は他のツールに連鎖するか、サーキットブレーカーで何が変わるか、復旧に何秒かかるか"),
    Question("P1.1", "P1", "kv-exhaustion", _AT_500,
             "What happens to requests past the daily KV quota?",
             "KVの日次クォータを超えるとリクエストはどうなるか"),
    Question("P1.2", "P1", "kv-exhaustion", _AT_500,
             "How much load reaches the origin once the burst limit stops working?",
             "バースト制限が効かなくなるとオリジンの負荷はどれだけになるか"),
    Question("P1.3", "P1", "kv-exhaustion", _AT_500,
             "How is a failed KV write handled, and what does the user see?",
             "KVの書き込み失敗はどう処理され、ユーザーには何が見えるか"),
    Question("P1.4", "P1", "kv-exhaustion", _AT_500,
             "How far do isolates with memory caches disagree?",
             "メモリキャッシュを持つisolate間でカウントはどれだけ食い違うか"),
    Question("P1.5", "P1", "burst", _AT_500,
             "How much load does the burst put on the origin?",
             "バースト時にオリジンにかかる負荷はどれだけか"),
    Question("P1.6", "P1", "burst", _AT_500,
             "How much CPU and memory does the origin use?",
             "オリジンのCPUとメモリの使用量はどれだけか"),
    Question("P1.7", "P1", "burst", _AT_500,
             "What are the response times (p50, p95, p99)?",
             "レスポンスタイムのp50・p95・p99はいくらか"),
    Question("P1.8", "P1", "burst", _AT_500,
             "What is the error rate?",
             "エラー率はいくらか"),
    Question("P1.9", "P1", "db-pool", _AT_500,
             "Where is the database's connection limit?",
             "データベースの接続数の上限はどこか"),
    Question("P1.10", "P1", "db-pool", _AT_500,
             "What is the error when connections run out, word for word?",
             "接続が枯渇したときのエラーは一字一句どうなるか"),
    Question("P1.11", "P1", "db-pool", _AT_500,
             "How many seconds does recovery take after connections ran out?",
             "接続枯渇からの復旧に何秒かかるか"),
    Question("P3.1", "P3", "failover", _BEFORE_1000,
             "How far off is the rate limit while two origins share the load?",
             "2つのオリジンに分散している間、レート制限の誤差はどれだけか"),
    Question("P3.2", "P3", "failover", _BEFORE_1000,
             "How far off is it with the 10-minute database sync?",
             "10分間隔のDB同期がある場合の誤差はどれだけか"),
    Question("P3.3", "P3", "failover", _BEFORE_1000,
             "Does an alert see it?",
             "アラートで検知できるか"),
    Question("P3.4", "P3", "invalid-jwt", _BEFORE_1000,
             "How much edge CPU does an invalid JWT cost, against 10 ms?",
             "無効なJWT1件あたりのエッジのCPU時間はいくらか(上限10ms)"),
    Question("P3.5", "P3", "invalid-jwt", _BEFORE_1000,
             "Does the JWKS cache hold, also under unknown key ids?",
             "JWKSキャッシュは未知のkidに対しても機能するか"),
    Question("P3.6", "P3", "invalid-jwt", _BEFORE_1000,
             "How many days of the free tier does the flood use up?",
             "攻撃により無料枠は何日分消費されるか"),
    Question("F1.1", "phase 1", "single-burst", _BEFORE_MVP,
             "How many requests per second are admitted past the burst limit, and how are the rest refused?",
             "バースト制限を超えたとき毎秒何件が通り、残りはどう拒否されるか"),
    Question("F1.2", "phase 1", "rate-limit", _BEFORE_MVP,
             "How many requests per window are admitted past the rate limit, and are the headers right?",
             "レート制限を超えたとき1ウィンドウに何件が通り、ヘッダーは正しいか"),
    Question("F1.3", "phase 1", "health", _BEFORE_MVP,
             "How long until the health check notices, and how does the balancer change state?",
             "ヘルスチェックは何秒で検知し、ロードバランサーの状態はどう変わるか"),
)  # fmt: skip
QUESTIONS: Final = {question.id: question for question in _ALL}
