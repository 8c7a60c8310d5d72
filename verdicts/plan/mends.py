"""The plan's own code, mended: what stands beside the advice of C1 and C2, five lines each.

C1 is Go, around a tool call (`mu sync.Mutex`, `running map[string]int`); C2 is the Worker's TypeScript
(`const calls = new Map<string, number[]>()`). Both are what the stack runs as `mended` and `sliding`.
"""

from __future__ import annotations

from typing import Final

USER_LIMITER: Final = """\
mu.Lock(); if running[user] >= 50 { mu.Unlock(); return errTooMany } // refused: nothing is given back
running[user]++; mu.Unlock()
defer func() { mu.Lock(); defer mu.Unlock() // only here, behind the permit
    if running[user]--; running[user] == 0 { delete(running, user) } // who has no call is forgotten
}()"""

CHECK_BURST: Final = """\
const now = Date.now(), mine = (calls.get(user) ?? []).filter((at) => at > now - 1000);
calls.delete(user); calls.set(user, mine); // in the order of their last call
for (const [one, at] of calls) { if (one === user || at.at(-1)! > now - 1000) break; calls.delete(one); }
if (mine.length >= 5) return false; // in any second, not in each second of the clock
return Boolean(mine.push(now)); // no KV: nothing to await, nothing that throws, nobody read it"""
