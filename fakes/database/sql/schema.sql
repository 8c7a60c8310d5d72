-- The gateway's tables, in a schema of their own. Installed anew at every start: nothing outlives a run.
-- A schema of that name without our marker is somebody else's: it stays, and nothing is installed.
--
-- Money is safe by the schema alone: a request id is charged once (primary key), a balance is never
-- negative (check), and a balance falls only in the transaction that writes its credit_transactions row.

DO $$ BEGIN
    IF EXISTS (
        SELECT FROM pg_namespace WHERE nspname = 'mcpist'
            AND obj_description(oid, 'pg_namespace') IS DISTINCT FROM 'made by the resilience suite'
    ) THEN
        RAISE EXCEPTION 'schema mcpist is there already and is not the suite''s, allowed: a database without it';
    END IF;
END $$;
DROP SCHEMA IF EXISTS mcpist CASCADE;
CREATE SCHEMA mcpist;
COMMENT ON SCHEMA mcpist IS 'made by the resilience suite';

CREATE TABLE mcpist.credits (
    user_id    text PRIMARY KEY,
    balance    integer NOT NULL CHECK (balance >= 0),
    granted    integer NOT NULL,
    quota      integer NOT NULL,
    quota_used integer NOT NULL DEFAULT 0,
    quota_day  date NOT NULL DEFAULT current_date
) WITH (fillfactor = 50);

CREATE TABLE mcpist.credit_transactions (
    request_id text PRIMARY KEY,
    user_id    text NOT NULL,
    amount     integer NOT NULL CHECK (amount > 0),
    origin     text NOT NULL,
    intent     text,  -- the key that the call brought
    at         timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Written after the call, in batches: a transaction without a usage row is a charged call that did not
-- finish, or one whose origin died within its last batch.
CREATE TABLE mcpist.usage (
    request_id  text PRIMARY KEY,
    user_id     text NOT NULL,
    module      text NOT NULL,
    tool        text NOT NULL,
    outcome     text NOT NULL,
    duration_ms real NOT NULL,
    instance    text NOT NULL,
    intent      text,
    at          timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE mcpist.rate_windows (
    origin  text NOT NULL,
    window_ bigint NOT NULL,
    user_id text NOT NULL,
    count   integer NOT NULL,
    PRIMARY KEY (window_, user_id, origin)
);

-- What calls with a key were answered, where origins remember that (idempotency).
CREATE TABLE mcpist.answers (
    key      text PRIMARY KEY,
    text     text NOT NULL,
    is_error boolean NOT NULL,
    at       timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Sessions that all origins know, where they share them.
CREATE TABLE mcpist.sessions (
    id      text PRIMARY KEY,
    user_id text NOT NULL
);

-- Quota check, credit check and consumption in one transaction and one round trip.
-- Gives 'charged', 'repeat' (this request was charged before: nothing is taken), 'quota' or 'credits'.
-- p_hold: seconds that the transaction holds its row lock and connection (a fault).
CREATE FUNCTION mcpist.charge(
    p_user text, p_request text, p_amount integer, p_origin text,
    p_credits integer, p_quota integer, p_hold double precision, p_intent text DEFAULT NULL
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    account mcpist.credits;
    owner text;
    used integer;
BEGIN
    SELECT * INTO account FROM mcpist.credits WHERE user_id = p_user FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO mcpist.credits (user_id, balance, granted, quota)
            VALUES (p_user, p_credits, p_credits, p_quota) ON CONFLICT DO NOTHING;
        SELECT * INTO account FROM mcpist.credits WHERE user_id = p_user FOR UPDATE;
    END IF;
    IF p_hold > 0 THEN
        PERFORM pg_sleep(p_hold);
    END IF;
    used := CASE WHEN account.quota_day = current_date THEN account.quota_used ELSE 0 END;
    IF used + p_amount <= account.quota AND p_amount <= account.balance THEN
        INSERT INTO mcpist.credit_transactions (request_id, user_id, amount, origin, intent)
            VALUES (p_request, p_user, p_amount, p_origin, p_intent) ON CONFLICT DO NOTHING;
        IF FOUND THEN
            UPDATE mcpist.credits
                SET balance = balance - p_amount, quota_used = used + p_amount, quota_day = current_date
                WHERE user_id = p_user;
            RETURN 'charged';
        END IF;
    END IF;
    SELECT user_id INTO owner FROM mcpist.credit_transactions WHERE request_id = p_request;
    IF owner = p_user THEN
        RETURN 'repeat';
    ELSIF owner IS NOT NULL THEN
        RAISE unique_violation USING MESSAGE = format('request id %s belongs to another user', p_request);
    ELSIF used + p_amount > account.quota THEN
        RETURN 'quota';
    END IF;
    RETURN 'credits';
END
$$;

-- Tell this origin's counts of a window, learn the other origins' sum, forget windows long gone.
CREATE FUNCTION mcpist.sync_rates(p_origin text, p_window bigint, p_users text[], p_counts integer[])
RETURNS TABLE (user_id text, count bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO mcpist.rate_windows (origin, window_, user_id, count)
        SELECT p_origin, p_window, told.u, told.n FROM unnest(p_users, p_counts) AS told (u, n)
        ON CONFLICT (window_, user_id, origin) DO UPDATE SET count = excluded.count;
    DELETE FROM mcpist.rate_windows WHERE window_ < p_window - 1;
    RETURN QUERY SELECT r.user_id, sum(r.count) FROM mcpist.rate_windows r
        WHERE r.window_ = p_window AND r.origin <> p_origin GROUP BY r.user_id;
END
$$;

-- The gateway's own role: no superuser, so the reserved connections are out of its reach.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mcpist') THEN
        CREATE ROLE mcpist LOGIN;
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'no right to create a role: the gateway connects as %', current_user;
END $$;

DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'mcpist') THEN
        GRANT USAGE ON SCHEMA mcpist TO mcpist;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA mcpist TO mcpist;
    END IF;
END $$;
