"""The rules: from a question's numbers to what the operator should do. Data, in the plan's order.

Names are those of `verdicts.plan.numbers`; bounds are the plan's own limits and the operator's alerts.
`{by}` is the milestone by which the plan wants the question answered.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

from verdicts.plan.numbers import Number, Numbers
from verdicts.plan.rule import Rule, Text

GLOBAL: Final = 100  # calls, global-concurrency
PER_USER: Final = 50  # calls, user-concurrency
BURST: Final = 5  # calls per user and second
MEMORY: Final = 200e6  # bytes, the operator's alert
NANO_CPU: Final = 0.08  # vCPU: 80 % of a nano's 0.1, the operator's alert
OPERATORS: Final = 5  # connections left to people
DAY: Final = 1440  # minutes


def derived(point: str, numbers: Numbers) -> Numbers:
    """The numbers with those that follow from them by arithmetic."""
    for name, work in DERIVED.get(point, {}).items():  # a later one may use an earlier one
        numbers[name] = Number(work(numbers))
    return numbers


DERIVED: Final[Mapping[str, Mapping[str, Callable[[Numbers], float]]]] = {
    "P0.2": {
        "peak": lambda n: n.nano_memory if n.nano_memory > 0 else n.memory,
        "room": lambda n: (
            n.goroutines + (MEMORY - n.peak) // n.per_goroutine if n.per_goroutine > 0 else math.nan
        ),
    },
    "P1.2": {"bound": lambda n: n.after / n.excess if n.excess > 0 else math.nan},
    "P1.5": {"through": lambda n: n.mean / n.offered if n.offered > 0 else math.nan},
    "P1.9": {"each": lambda n: (n.limit - OPERATORS) // 2},
    "P3.6": {"minutes": lambda n: 1 / n.share if n.share > 0 else math.nan},
    "F1.2": {"times": lambda n: n.edge_value / n.value if n.value > 0 else math.nan},
    "F1.3": {"real": lambda n: n.value * n.time_scale},
}

RULES: Final = (
    Rule(
        "P0.1", True, lambda n: n.in_flight > GLOBAL,
        Text("More than 100 slow calls at once, which is what global-concurrency allows: limit them.",
             "遅い呼び出しの同時実行数が100(global-concurrencyの上限)を超えたら、同時実行数を制限する。"),
        Text("Limit slow calls {by}: {in_flight} ran at once.",
             "{by}遅い呼び出しの同時実行数を制限してください。同時に{in_flight}件が実行されました。"),
        Text("With phase2 there were {phase2_in_flight}; what that costs innocent users is in P0.3.",
             "phase2では{phase2_in_flight}件でした。無関係なユーザーへの影響はP0.3を参照してください。"),
    ),
    Rule(
        "P0.1", True, lambda n: n.in_flight > GLOBAL and n.per_user <= PER_USER,
        Text("More than 100 at once, although no user has more than 50: user-concurrency has to be lower to act.",
             "同時実行数が100を超え、1ユーザーの最大が50以下なら、user-concurrencyの上限を下げないと効果がない。"),
        Text("Set user-concurrency below {per_user}: that is the most one user had at once, so its limit of 50 "
             "does nothing against this attack.",
             "user-concurrencyの上限を{per_user}未満にしてください。1ユーザーの最大が{per_user}件なので、"
             "上限50ではこの攻撃を抑えられません。"),
    ),
    Rule(
        "P0.1", True, lambda n: n.per_user > PER_USER,
        Text("One user has more than 50 slow calls at once: that is user-concurrency's limit.",
             "1ユーザーの同時実行数が50を超えたら、user-concurrency(上限50)が必要。"),
        Text("Turn user-concurrency on {by}: one user alone had {per_user} slow calls at once.",
             "{by}user-concurrencyを有効にしてください。1ユーザーだけで同時に{per_user}件を実行しました。"),
    ),
    Rule(
        "P0.1", False, lambda n: n.in_flight <= GLOBAL and not n.per_user > PER_USER,
        Text("At most 100 at once, and at most 50 of one user: within both limits.",
             "同時実行数が100以下、かつ1ユーザーあたり50以下なら上限の範囲内。"),
        Text("Nothing to change: {in_flight} slow calls ran at once.",
             "変更は不要です。同時実行数は最大{in_flight}件でした。"),
        Text("At most {per_user} of one user.", "1ユーザーでは最大{per_user}件でした。"),
    ),
    Rule(
        "P0.2", True, lambda n: n.peak > MEMORY,
        Text("Memory over 200 MB, the operator's alert: fewer calls in flight, or a larger instance.",
             "メモリがアラートの200 MBを超えたら、処理中の呼び出しを減らすか、インスタンスを大きくする。"),
        Text("Limit the calls in flight or take a larger instance {by}: memory came to {peak:MB} with "
             "{goroutines} goroutines.",
             "{by}処理中の呼び出しを制限するか、インスタンスを大きくしてください。goroutine {goroutines}個で"
             "メモリは{peak:MB}に達しました。"),
    ),
    Rule(
        "P0.2", False, lambda n: n.peak <= MEMORY,
        Text("Memory of at most 200 MB is below the operator's alert.",
             "メモリが200 MB以下ならアラートの範囲内。"),
        Text("Nothing to change at this load: {peak:MB} with {goroutines} goroutines.",
             "この負荷では変更は不要です。goroutine {goroutines}個で{peak:MB}でした。"),
        Text("At {per_goroutine:KiB} each, the alert at 200 MB is due at about {room} goroutines.",
             "1個あたり{per_goroutine:KiB}なので、約{room}個で200 MBのアラートに達します。"),
    ),
    Rule(
        "P0.3", True, lambda n: n.kills > 0,
        Text("An instance that is killed bears less than this load: limit the calls in flight.",
             "インスタンスが強制終了されたら、この負荷には耐えられない。処理中の呼び出しを制限する。"),
        Text("Limit the calls in flight {by}: the instance was killed {kills} times; {goroutines} goroutines "
             "were seen before.",
             "{by}処理中の呼び出しを制限してください。インスタンスは{kills}回強制終了されました"
             "(直前までに観測したgoroutineは{goroutines}個)。"),
    ),
    Rule(
        "P0.3", True, lambda n: n.phase2_success < 0.99 and n.phase2_success < n.success,
        Text("If innocent users fare worse with phase2 than without it, and under 99 %, limit each user first.",
             "phase2で無関係なユーザーの成功率が下がり99 %を切るなら、先にユーザー単位で制限する。"),
        Text("Do not rely on global-concurrency alone: with phase2 {phase2_success:%} of innocent users' calls "
             "succeeded (worst tool), without it {success:%}. Lower each user's share first (P0.1).",
             "global-concurrencyだけに頼らないでください。無関係なユーザーの成功率(最も低いツール)は、"
             "phase2で{phase2_success:%}、phase2なしで{success:%}でした。先に1ユーザーあたりの上限を"
             "下げてください(P0.1)。"),
    ),
    Rule(
        "P0.3", True, lambda n: n.success < 0.99 and not n.phase2_success < n.success,
        Text("Innocent users' calls must succeed at 99 %; below that they need protection from the attack.",
             "無関係なユーザーの成功率が99 %を下回ったら、攻撃から保護する必要がある。"),
        Text("Protect innocent users {by}: {success:%} of their calls succeeded (worst tool).",
             "{by}無関係なユーザーを保護してください。成功率(最も低いツール)は{success:%}でした。"),
        Text("With phase2 it was {phase2_success:%}.", "phase2では{phase2_success:%}でした。"),
    ),
    Rule(
        "P0.3", False, lambda n: n.kills < 1 and n.goroutines > 0,
        Text("No kill: the instance bears at least this load. Where it breaks only a search can say.",
             "強制終了がなければ、少なくともこの負荷には耐えられる。限界は探索しないと分からない。"),
        Text("A nano bears at least {goroutines} goroutines; make breakpoint searches for the most.",
             "nanoは少なくともgoroutine {goroutines}個に耐えます。上限はmake breakpointで探索できます。"),
        Text("With phase2 the attack makes {phase2_goroutines}.",
             "phase2ではこの攻撃で{phase2_goroutines}個になります。"),
    ),
    Rule(
        "P0.4", True, lambda n: n.others_success < 0.99,
        Text("Other tools under 99 % while one upstream is down: the outage cascades.",
             "1つの外部APIの障害中に他のツールの成功率が99 %を下回ったら、障害が連鎖している。"),
        Text("Turn the timeout and the breaker on {by}: other tools fell to {others_success:%} of their calls.",
             "{by}タイムアウトとサーキットブレーカーを有効にしてください。他のツールの成功率が"
             "{others_success:%}まで下がりました。"),
        Text("With phase2 they kept {phase2_others_success:%}.",
             "phase2では{phase2_others_success:%}でした。"),
    ),
    Rule(
        "P0.4", True, lambda n: n.wait > 5,
        Text("Users of the failed tool wait more than 5 s (p95) for any answer: a timeout and a breaker end that.",
             "障害中のツールの利用者が応答を5 s(p95)より長く待つなら、タイムアウトとサーキットブレーカーで打ち切る。"),
        Text("Turn the timeout and the breaker on {by}: users of the failed tool waited {wait:s} (p95) for an "
             "answer of any kind.",
             "{by}タイムアウトとサーキットブレーカーを有効にしてください。障害中のツールの利用者は、応答を"
             "{wait:s}(p95)待ちました。"),
        Text("With phase2 they waited {phase2_wait:s}, and recovery took {phase2_recovery:s}.",
             "phase2では{phase2_wait:s}で、復旧には{phase2_recovery:s}かかりました。"),
    ),
    Rule(
        "P0.4", True, lambda n: n.recovery > 15,
        Text("More than 15 s until calls succeed again: the breaker stays open too long.",
             "復旧に15 sより長くかかるなら、サーキットブレーカーの開放時間が長すぎる。"),
        Text("Shorten the breaker's open time: recovery took {recovery:s}.",
             "サーキットブレーカーの開放時間を短くしてください。復旧に{recovery:s}かかりました。"),
    ),
    Rule(
        "P0.4", False, lambda n: n.others_success >= 0.99,
        Text("Other tools at 99 % or more: the outage does not cascade.",
             "他のツールの成功率が99 %以上なら、障害は連鎖していない。"),
        Text("The outage does not cascade: other tools kept {others_success:%} of their calls.",
             "障害は連鎖しません。他のツールの成功率は{others_success:%}でした。"),
    ),
    Rule(
        "P1.1", True, lambda n: n.kv_error > 0.05,
        Text("More than 5 % of calls fail for the KV past the quota: do not count every request in KV.",
             "クォータ超過後にKVが原因の失敗が5 %を超えたら、リクエストごとにKVで数えない。"),
        Text("Count bursts in memory and fail open {by}: past the quota {kv_error:%} of the calls failed for KV.",
             "{by}バーストの計数をメモリに移し、フェイルオープンにしてください。クォータ超過後は呼び出しの"
             "{kv_error:%}がKVの失敗で終わりました。"),
        Text("With memory-cache and fail-open it was {memory_open_kv_error:%}.",
             "memory-cacheとfail-openでは{memory_open_kv_error:%}でした。"),
    ),
    Rule(
        "P1.1", False, lambda n: n.kv_error <= 0.05,
        Text("At most 5 % of calls fail for the KV past the quota.",
             "クォータ超過後のKVが原因の失敗は5 %以下。"),
        Text("Nothing to change: past the quota {kv_error:%} of the calls failed for KV.",
             "変更は不要です。クォータ超過後にKVが原因で失敗した呼び出しは{kv_error:%}でした。"),
    ),
    Rule(
        "P1.2", True, lambda n: n.excess > 1.1,
        Text("Over 1.1 times what the burst limit would admit reaches the origin: the limit no longer works.",
             "バースト制限が通すはずの1.1倍を超えてオリジンに届くなら、制限は機能していない。"),
        Text("Keep the burst count out of KV {by}: past the quota {after} req/s reached the origin, the limit "
             "would admit {bound}.",
             "{by}バーストの計数をKVから外してください。クォータ超過後にオリジンへ{after} req/sが届きました"
             "(制限が機能していれば{bound} req/s)。"),
        Text("With memory-cache and fail-open it was {memory_open_after} req/s.",
             "memory-cacheとfail-openでは{memory_open_after} req/sでした。"),
    ),
    Rule(
        "P1.2", False, lambda n: n.excess <= 1.1 and n.let_through < 0.1,
        Text("Under a tenth of what is offered reaches the origin: users are shut out, the origin is not overloaded.",
             "オリジンに届くのが送信量の1割未満なら、過負荷ではなくユーザーが締め出されている。"),
        Text("The origin is safe past the quota, its users are not: {after} of {offered} req/s got through (P1.1).",
             "クォータ超過後、オリジンは安全ですがユーザーは締め出されます。{offered} req/sのうち{after} req/sしか"
             "届きませんでした(P1.1)。"),
        Text("With memory-cache and fail-open {memory_open_after} req/s got through.",
             "memory-cacheとfail-openでは{memory_open_after} req/sが届きました。"),
    ),
    Rule(
        "P1.2", False, lambda n: n.excess <= 1.1 and n.let_through >= 0.1,
        Text("At most 1.1 times what the burst limit would admit reaches the origin: the limit works on.",
             "オリジンに届くのが制限の1.1倍以下なら、制限は機能し続けている。"),
        Text("Nothing to change: past the quota {after} req/s reached the origin, the limit would admit {bound}.",
             "変更は不要です。クォータ超過後にオリジンへ届いたのは{after} req/sでした(制限は{bound} req/s)。"),
    ),
    Rule(
        "P1.3", True, lambda n: n.seen > 0.05,
        Text("More than 5 % of users' calls end in KV's own error: a failed write must not fail the call.",
             "呼び出しの5 %超がKVのエラーで終わるなら、書き込み失敗で呼び出しを失敗させない。"),
        Text("Let a failed write pass (fail-open, counts in memory) {by}: {seen:%} of all calls ended in KV's error.",
             "{by}書き込みに失敗しても通すようにしてください(fail-open、メモリで計数)。全呼び出しの{seen:%}が"
             "KVのエラーで終わりました。"),
        Text("With memory-cache and fail-open it was {memory_open_seen:%}.",
             "memory-cacheとfail-openでは{memory_open_seen:%}でした。"),
    ),
    Rule(
        "P1.3", False, lambda n: n.seen <= 0.05,
        Text("At most 5 % of users' calls end in KV's error.", "KVのエラーで終わる呼び出しは5 %以下。"),
        Text("Nothing to change: {seen:%} of all calls ended in KV's error, of {failures} writes and reads refused.",
             "変更は不要です。KVが拒否した操作は{failures}件、KVのエラーで終わった呼び出しは{seen:%}でした。"),
    ),
    Rule(
        "P1.4", True, lambda n: n.max > BURST,
        Text("More than 5 per user and second: isolates that count alone do not hold the burst limit.",
             "1ユーザー毎秒5件を超えたら、個別に数えるisolateではバースト制限を守れない。"),
        Text("Size the origin for {max} calls per user and second, not 5, or keep the count in one place, {by}.",
             "{by}1ユーザー毎秒5件ではなく{max}件を前提にオリジンを設計するか、計数を1か所にまとめてください。"),
        Text("{isolates} isolates counted alone; on average {mean} got through.",
             "{isolates}個のisolateが個別に計数し、平均{mean}件が通りました。"),
    ),
    Rule(
        "P1.4", False, lambda n: n.max <= BURST,
        Text("At most 5 per user and second: the burst limit holds.",
             "1ユーザー毎秒5件以下なら、バースト制限は守られている。"),
        Text("Nothing to change: at most {max} per user and second got through.",
             "変更は不要です。1ユーザー毎秒最大{max}件が通りました。"),
    ),
    Rule(
        "P1.5", True, lambda n: n.through >= 0.9,
        Text("The edge lets 90 % or more of a burst through, as each user stays at the burst limit: "
             "the origin has to bear all of it.",
             "各ユーザーがバースト制限以内のため、エッジが9割以上を通すなら、オリジンがすべてを受け止める。"),
        Text("Size the origin for {mean} req/s, or limit all users together {by}: the edge let {through:%} of the "
             "burst through.",
             "{by}オリジンを{mean} req/sに耐えるように設計するか、全ユーザー合計で制限してください。エッジは"
             "バーストの{through:%}を通しました。"),
        Text("From one address it let {one_ip_mean} req/s through.",
             "単一IPからの場合は{one_ip_mean} req/sでした。"),
    ),
    Rule(
        "P1.5", False, lambda n: n.through < 0.9,
        Text("Less than 90 % of a burst passes the edge.", "エッジを通るのはバーストの9割未満。"),
        Text("The edge takes part of the burst: {mean} of {offered} req/s reached the origin.",
             "エッジがバーストの一部を抑えます。{offered} req/sのうち{mean} req/sがオリジンに届きました。"),
    ),
    Rule(
        "P1.6", True, lambda n: n.nano_cpu > NANO_CPU or n.nano_memory > MEMORY,
        Text("By the model over 80 % of a nano's 0.1 vCPU, or over 200 MB: the operator's alerts.",
             "モデル計算でnanoの0.1 vCPUの80 %、またはメモリ200 MBを超えたらアラートの対象。"),
        Text("Take a larger instance, or let less through, {by}: by the model the burst takes {nano_cpu} of "
             "0.1 vCPU and {nano_memory:MB}.",
             "{by}インスタンスを大きくするか、通す量を減らしてください。モデル計算では0.1 vCPUのうち{nano_cpu}、"
             "メモリ{nano_memory:MB}を使います。"),
    ),
    Rule(
        "P1.6", False, lambda n: n.nano_cpu <= NANO_CPU and n.nano_memory <= MEMORY,
        Text("By the model at most 80 % of a nano's 0.1 vCPU and at most 200 MB: below the operator's alerts.",
             "モデル計算でnanoの0.1 vCPUの80 %以下、かつ200 MB以下ならアラートの範囲内。"),
        Text("Nothing to change: by the model the burst takes {nano_cpu} of 0.1 vCPU and {nano_memory:MB}.",
             "変更は不要です。モデル計算では0.1 vCPUのうち{nano_cpu}、メモリ{nano_memory:MB}を使います。"),
    ),
    Rule(
        "P1.6", True, lambda n: n.cpu > 0.8 and not n.nano_cpu >= 0,
        Text("On a target of one's own: over 80 % of a core is the operator's alert.",
             "自前のターゲットでは、1コアの80 %を超えたらアラートの対象。"),
        Text("Give the origin more CPU {by}: the burst takes {cpu:%} of a core.",
             "{by}オリジンのCPUを増やしてください。バースト時に1コアの{cpu:%}を使います。"),
    ),
    Rule(
        "P1.6", False, lambda n: n.cpu <= 0.8 and not n.nano_cpu >= 0,
        Text("On a target of one's own: up to 80 % of a core is below the operator's alert.",
             "自前のターゲットでは、1コアの80 %以下ならアラートの範囲内。"),
        Text("Nothing to change: the burst takes {cpu:%} of a core.",
             "変更は不要です。バースト時に1コアの{cpu:%}を使います。"),
    ),
    Rule(
        "P1.7", True, lambda n: n.p95 > 2,
        Text("p95 over 2 s, the operator's alert.", "p95がアラートの2 sを超えた。"),
        Text("Find what makes calls slow {by}: p95 was {p95:ms}, p99 {p99:ms}.",
             "{by}遅延の原因を調べてください。p95は{p95:ms}、p99は{p99:ms}でした。"),
    ),
    Rule(
        "P1.7", False, lambda n: n.p95 <= 2,
        Text("p95 of at most 2 s is below the operator's alert.", "p95が2 s以下ならアラートの範囲内。"),
        Text("Nothing to change: p50 {p50:ms}, p95 {p95:ms}, p99 {p99:ms}.",
             "変更は不要です。p50は{p50:ms}、p95は{p95:ms}、p99は{p99:ms}でした。"),
    ),
    Rule(
        "P1.8", True, lambda n: n["5xx"] > 0.05 or n.errors > 0.05,
        Text("Over 5 % errors, the operator's alert on 5xx answers.",
             "エラーがアラート(5xx)の5 %を超えた。"),
        Text("Find what fails {by}: {errors:%} of the calls ended in an error, {5xx:%} with a 5xx answer.",
             "{by}失敗の原因を調べてください。エラーは{errors:%}、うち5xxは{5xx:%}でした。"),
    ),
    Rule(
        "P1.8", False, lambda n: n["5xx"] <= 0.05 and n.errors <= 0.05,
        Text("At most 5 % errors are below the operator's alert.", "エラーが5 %以下ならアラートの範囲内。"),
        Text("Nothing to change: {errors:%} of the calls ended in an error; {refusals:%} were refused by a "
             "protection.",
             "変更は不要です。エラーは{errors:%}、保護機構による拒否は{refusals:%}でした。"),
    ),
    Rule(
        "P1.9", True, lambda n: n.limit > 0,
        Text("Two origins share the limit, and 5 connections stay for people: (limit − 5) ÷ 2 for each pool.",
             "2つのオリジンで分け合い、5接続を運用者用に残す。プール1つあたり(上限 − 5) ÷ 2。"),
        Text("Keep each origin's pool at {each} connections or fewer {by}: the server gives {limit} in all.",
             "{by}各オリジンのプールを{each}接続以下にしてください。サーバーの上限は合計{limit}接続です。"),
    ),
    Rule(
        "P1.10", True, lambda n: n.unclear > 0.01,
        Text("More than 1 % of callers without a clear answer within 10 s: waiting for a connection needs an end.",
             "10 s以内に明確な応答を得られない呼び出しが1 %を超えたら、接続待ちに時間制限が必要。"),
        Text("Give the wait for a connection a timeout and answer 503 with Retry-After {by}: {unclear:%} of the "
             "callers got no clear answer.",
             "{by}接続待ちにタイムアウトを設け、Retry-After付きの503を返してください。呼び出しの{unclear:%}が"
             "明確な応答を得られませんでした。"),
    ),
    Rule(
        "P1.10", False, lambda n: n.unclear <= 0.01,
        Text("At most 1 % of callers without a clear answer within 10 s.",
             "10 s以内に明確な応答を得られない呼び出しは1 %以下。"),
        Text("Keep the pool's timeout: {unclear:%} of the callers got no clear answer.",
             "プールのタイムアウトは今のままにしてください。明確な応答を得られなかった呼び出しは{unclear:%}でした。"),
        Text("Without a pool it was {none_unclear:%}.", "プールがない場合は{none_unclear:%}でした。"),
    ),
    Rule(
        "P1.11", True, lambda n: n.seconds > 15,
        Text("More than 15 s until service is normal again.", "サービスが正常に戻るまで15 sより長い。"),
        Text("Shorten what holds connections (a statement_timeout) {by}: recovery took {seconds:s}.",
             "{by}接続を長く占有する処理を短くしてください(statement_timeoutなど)。復旧に{seconds:s}かかりました。"),
    ),
    Rule(
        "P1.11", True, lambda n: n.watched > 15 and not n.seconds >= 0,
        Text("More than 15 s were watched, and service was not normal again.",
             "15 sより長く観測しても、サービスが正常に戻らなかった。"),
        Text("Shorten what holds connections (a statement_timeout) {by}: service was not normal again within the "
             "{watched:s} that were watched.",
             "{by}接続を長く占有する処理を短くしてください(statement_timeoutなど)。観測した{watched:s}の間に"
             "サービスは正常に戻りませんでした。"),
    ),
    Rule(
        "P1.11", False, lambda n: n.watched <= 15 and not n.seconds >= 0,
        Text("Less than 15 s were watched: whether recovery takes longer than 15 s is not known.",
             "観測が15 s以下なので、復旧に15 sより長くかかるかは分からない。"),
        Text("Watch for longer (MODE=full): service was not normal again within {watched:s}, when the next fault came.",
             "観測時間を延ばしてください(MODE=full)。次の障害までの{watched:s}ではサービスは正常に戻りませんでした。"),
    ),
    Rule(
        "P1.11", True, lambda n: n.restarted > 0,
        Text("Something had to be restarted: the database must heal by itself.",
             "再起動が必要になった。データベースは自力で回復すべき。"),
        Text("Find out what had to be restarted {by}: {restarted} processes.",
             "{by}再起動が必要になった原因を調べてください({restarted}プロセス)。"),
    ),
    Rule(
        "P1.11", False, lambda n: n.seconds <= 15 and n.restarted < 1,
        Text("At most 15 s until service is normal, and nothing restarted.",
             "15 s以内に正常に戻り、再起動も不要。"),
        Text("Nothing to change: service was normal {seconds:s} after connections had run out.",
             "変更は不要です。接続枯渇が終わってから{seconds:s}で正常に戻りました。"),
    ),
    Rule(
        "P3.1", True, lambda n: n.max > 0.1,
        Text("More than 10 % over the rate limit while both origins serve: their counts are apart.",
             "両オリジンの稼働中にレート制限を10 %より多く超えるなら、計数が分かれている。"),
        Text("Reckon with {max:%} more than the plan allows in the worst window while both origins serve; share "
             "the counts (P3.2) {by} if that is too much.",
             "両オリジンの稼働中は、最悪のウィンドウで上限を{max:%}超過すると見込んでください。許容できなければ"
             "{by}計数を共有してください(P3.2)。"),
    ),
    Rule(
        "P3.1", False, lambda n: n.max <= 0.1,
        Text("At most 10 % over the rate limit.", "レート制限の超過は10 %以下。"),
        Text("Nothing to change: at most {max:%} over the limit.", "変更は不要です。超過は最大{max:%}でした。"),
    ),
    Rule(
        "P3.2", True, lambda n: n.mean > 0.1,
        Text("More than 10 % over on average: the sync is too rare. One that is rarer than a window cannot help in it.",
             "平均超過が10 %より大きいなら同期が少なすぎる。ウィンドウより長い間隔では効果がない。"),
        Text("Sync several times in each window {by}: with a sync every {interval:s} the mean error is {mean:%}.",
             "{by}1ウィンドウに複数回同期してください。{interval:s}ごとの同期では平均誤差は{mean:%}です。"),
        Text("Every 30 s it is {sync_30s_mean:%}, every 10 s {sync_10s_mean:%}.",
             "30 sごとでは{sync_30s_mean:%}、10 sごとでは{sync_10s_mean:%}でした。"),
    ),
    Rule(
        "P3.2", False, lambda n: n.mean <= 0.1,
        Text("At most 10 % over on average: the sync is often enough.", "平均超過が10 %以下なら同期の頻度は十分。"),
        Text("Nothing to change: with a sync every {interval:s} the mean error is {mean:%}.",
             "変更は不要です。{interval:s}ごとの同期で平均誤差は{mean:%}です。"),
    ),
    Rule(
        "P3.3", True, lambda n: n.hits <= 100,
        Text("At most 100 rate-limit hits a minute: the operator's alert fires above that, and stays silent.",
             "レート制限の発動が毎分100件以下なら、現行のアラート(100件超)は反応しない。"),
        Text("Add an alert on the balancer's state (away from primary for over 60 s) {by}: there were at most "
             "{hits} hits a minute, which the present alert does not see.",
             "{by}ロードバランサーの状態(60 s超のprimary離脱)にアラートを追加してください。発動は毎分最大"
             "{hits}件で、現行のアラートでは検知できません。"),
        Text("Such an alert fires {fired:s} after the split.", "このアラートなら分散開始の{fired:s}後に発報します。"),
    ),
    Rule(
        "P3.3", False, lambda n: n.hits > 100,
        Text("Over 100 rate-limit hits a minute: the operator's alert fires.",
             "レート制限の発動が毎分100件を超えれば、現行のアラートが反応する。"),
        Text("Nothing to change: the alert sees it, at {hits} hits a minute.",
             "変更は不要です。毎分{hits}件で、現行のアラートが検知します。"),
    ),
    Rule(
        "P3.4", True, lambda n: n.mean > 0.010,
        Text("Over 10 ms of CPU a check: the Worker's limit.", "検証1件が10 msを超えたらWorkerの上限超過。"),
        Text("Make the check cheaper {by}: the dearest kind of token takes {mean:ms}.",
             "{by}検証を軽くしてください。最も重い種類のトークンで{mean:ms}かかります。"),
    ),
    Rule(
        "P3.4", True, lambda n: n.valid_users_value < 100,
        Text("Valid users' calls must all succeed under the flood.",
             "攻撃中も正規ユーザーの呼び出しはすべて成功すべき。"),
        Text("Protect valid users from the flood {by}: {valid_users_value} % of their calls succeeded.",
             "{by}正規ユーザーを攻撃から保護してください。成功率は{valid_users_value} %でした。"),
    ),
    Rule(
        "P3.4", False, lambda n: n.mean <= 0.010,
        Text("At most 10 ms of CPU a check (under Python; a real Worker differs).",
             "検証1件が10 ms以下(Python上の値。実際のWorkerとは異なる)。"),
        Text("Nothing to change: the dearest kind of token takes {mean:ms} of 10 ms.",
             "変更は不要です。最も重い種類のトークンでも10 msのうち{mean:ms}です。"),
    ),
    Rule(
        "P3.5", True, lambda n: n.fetches > 1,
        Text("More than 1 fetch of the key set per 1,000 requests: the cache does not hold.",
             "鍵セットの取得が1,000リクエストあたり1回を超えたら、キャッシュが機能していない。"),
        Text("Refetch unknown key ids at most once in a cool-down {by}: {fetches} fetches per 1,000 requests.",
             "{by}未知のkidでの再取得をクールダウン中1回までに制限してください。1,000リクエストあたり{fetches}回"
             "取得しました。"),
    ),
    Rule(
        "P3.5", False, lambda n: n.fetches <= 1,
        Text("At most 1 fetch of the key set per 1,000 requests: the cache holds.",
             "鍵セットの取得が1,000リクエストあたり1回以下なら、キャッシュは機能している。"),
        Text("Keep the cache mode: {fetches} fetches per 1,000 requests.",
             "キャッシュの方式は今のままにしてください。1,000リクエストあたり{fetches}回の取得でした。"),
        Text("A cache that refetches on each unknown key id made {refetch_fetches}, with a cool-down "
             "{cool_down_fetches}.",
             "未知のkidごとに再取得する方式では{refetch_fetches}回、クールダウン付きでは{cool_down_fetches}回でした。"),
    ),
    Rule(
        "P3.6", True, lambda n: n.share * DAY > 1,
        Text("A flood that uses up a day's free requests in less than a day: keep it away from the Worker.",
             "攻撃で1日分の無料枠が1日もたないなら、Workerの手前で止める。"),
        Text("Stop such addresses before the Worker (a WAF rule), or leave the free tier, {by}: at this rate a "
             "day's free requests last {minutes} minutes.",
             "{by}Workerの手前(WAFのルールなど)でこうしたIPを止めるか、無料枠から移行してください。この頻度では"
             "1日分の無料枠が{minutes}分でなくなります。"),
    ),
    Rule(
        "P3.6", True, lambda n: n.origin_value > 0,
        Text("No bad token may reach the origin.", "無効なトークンは1件もオリジンに届いてはならない。"),
        Text("Close the gap {by}: {origin_value} requests with bad tokens reached the origin.",
             "{by}抜け穴をふさいでください。無効なトークンのリクエスト{origin_value}件がオリジンに届きました。"),
    ),
    Rule(
        "P3.6", False, lambda n: n.share * DAY <= 1,
        Text("A day's free requests last a day or more.", "1日分の無料枠が1日以上もつ。"),
        Text("Nothing to change: at this rate a day's free requests last {minutes} minutes.",
             "変更は不要です。この頻度では1日分の無料枠が{minutes}分もちます。"),
    ),
    Rule(
        "F1.1", True, lambda n: n.fails > 0,
        Text("The burst limit must admit exactly what it promises, and say rightly when to come back.",
             "バースト制限は約束した件数だけを通し、正しいRetry-Afterを返すべき。"),
        Text("Mend the burst limit {by}: {value} req/s were admitted of 5, and {fails} of its checks failed.",
             "{by}バースト制限を修正してください。毎秒5件に対して{value}件を通し、確認項目のうち{fails}件が"
             "不合格でした。"),
    ),
    Rule(
        "F1.1", False, lambda n: n.fails < 1,
        Text("Every check of the burst limit passed.", "バースト制限の確認項目がすべて合格。"),
        Text("Ready for the MVP: {value} req/s were admitted of 5.",
             "MVPに進めます。毎秒5件に対して{value}件を通しました。"),
    ),
    Rule(
        "F1.2", True, lambda n: n.fails > 0,
        Text("The rate limit must admit exactly what it promises, with right headers.",
             "レート制限は約束した件数だけを通し、正しいヘッダーを返すべき。"),
        Text("Mend the rate limit {by}: {value} were admitted a window, and {fails} of its checks failed.",
             "{by}レート制限を修正してください。1ウィンドウに{value}件を通し、確認項目のうち{fails}件が不合格でした。"),
    ),
    Rule(
        "F1.2", False, lambda n: n.fails < 1,
        Text("Every check of the rate limit passed.", "レート制限の確認項目がすべて合格。"),
        Text("Ready for the MVP: {value} were admitted a window, {headers_value} headers were wrong.",
             "MVPに進めます。1ウィンドウに{value}件を通し、誤ったヘッダーは{headers_value}件でした。"),
    ),
    Rule(
        "F1.2", False, lambda n: n.times > 1.1,
        Text("More than the limit within a window's length: fixed windows allow that around their edge.",
             "ウィンドウの長さの間に上限を超える場合がある(固定ウィンドウの境界の性質)。"),
        Text("Know that around a window's edge a user gets {times} times the limit ({edge_value}); only a sliding "
             "window ends that.",
             "ウィンドウの境界では上限の{times}倍({edge_value}件)が通ります。なくすにはスライディングウィンドウが必要です。"),
    ),
    Rule(
        "F1.3", True, lambda n: n.fails > 0,
        Text("Outage and recovery must be noticed within one interval of what the settings promise.",
             "障害と復旧は、設定どおりの時間から1間隔以内に検知すべき。"),
        Text("Mend the health check {by}: the slowest outage was noticed after {real:s} (real time), and "
             "{fails} checks failed.",
             "{by}ヘルスチェックを修正してください。最も遅い検知は実時間で{real:s}後、不合格は{fails}件でした。"),
    ),
    Rule(
        "F1.3", True, lambda n: n.real > 60,
        Text("More than a minute (real time) until an outage is noticed: users see errors for that long.",
             "障害の検知に実時間で1分より長くかかるなら、その間ユーザーはエラーを見続ける。"),
        Text("Check health more often than every 30 s {by}, if a minute of errors is too long: an outage is noticed "
             "after {real:s} (real time).",
             "1分間のエラーを許容できなければ、{by}ヘルスチェックの間隔を30 sより短くしてください。検知は実時間で"
             "{real:s}後です。"),
    ),
    Rule(
        "F1.3", False, lambda n: n.real <= 60 and n.fails < 1,
        Text("At most a minute (real time) until an outage is noticed.", "障害の検知は実時間で1分以内。"),
        Text("Nothing to change: an outage is noticed after {real:s} (real time).",
             "変更は不要です。障害は実時間で{real:s}後に検知されます。"),
    ),
)  # fmt: skip
