//! Lists of holds by several conditions: one list is read in order, the others are asked for each hold by key.
//!
//! The work of a call is bounded as in `sqlite/search.rs`, which says how. Here the planner is told to look up by key and nothing else: it
//! might think that reading all of a list and joining is cheaper. Each part of a union has its own limit, since PostgreSQL reads parts
//! to their end before it takes out what is there twice.

use async_trait::async_trait;
use sqlx::{PgConnection, Postgres, QueryBuilder};

use super::PostgresStore;
use crate::store::error::StoreError;
use crate::store::rows::{
    Bound, Found, HOLD_COLUMNS, HoldRow, List, SearchStore, StoredHold, Wanted,
};

/// Places of each list that are read to choose the rarest.
const SAMPLE: u32 = 1_000;

/// Look-ups of one call. At 2 µs each (measured among a million holds in SQLite) they take 40 of the 100 ms that a page may take.
const PROBES_AT_MOST: u32 = 20_000;

/// Look-ups by key in this transaction, whatever the statistics say.
const BY_KEY: &str = "SELECT set_config('enable_hashjoin', 'off', TRUE), set_config('enable_mergejoin', 'off', TRUE), \
                      set_config('enable_seqscan', 'off', TRUE), set_config('enable_material', 'off', TRUE)";

/// Puts a new hold into the lists it belongs to.
pub(super) async fn list(tx: &mut PgConnection, row: &HoldRow) -> Result<(), StoreError> {
    for (statement, values) in [
        (
            "INSERT INTO hold_rule (rule, received_at, hold) SELECT DISTINCT value, $2::bigint, $3 FROM jsonb_array_elements_text($1::text::jsonb) AS value",
            &row.rules,
        ),
        (
            "INSERT INTO hold_category (category, received_at, hold) SELECT DISTINCT value, $2::bigint, $3 FROM jsonb_array_elements_text($1::text::jsonb) AS value",
            &row.categories,
        ),
    ] {
        sqlx::query(statement)
            .bind(values)
            .bind(row.received_at)
            .bind(&row.id)
            .execute(&mut *tx)
            .await?;
    }
    add(tx, &row.tokens, row.received_at, &row.id).await
}

async fn add(
    tx: &mut PgConnection,
    tokens: &[u8],
    received_at: i64,
    id: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO hold_token (token, received_at, hold) \
         SELECT substring($1::bytea FROM n * 10 + 1 FOR 10), $2::bigint, $3::text \
         FROM generate_series(0, length($1::bytea) / 10 - 1) AS n ON CONFLICT DO NOTHING",
    )
    .bind(tokens)
    .bind(received_at)
    .bind(id)
    .execute(tx)
    .await?;
    Ok(())
}

/// The tokens of a hold and when it came, as long as there are tokens: to be read before they go.
pub(super) async fn listed(
    tx: &mut PgConnection,
    id: &str,
) -> Result<Option<(Vec<u8>, i64)>, StoreError> {
    Ok(sqlx::query_as(
        "SELECT tokens, received_at FROM hold WHERE id = $1 AND tokens IS NOT NULL FOR UPDATE",
    )
    .bind(id)
    .fetch_optional(tx)
    .await?)
}

/// Takes a hold whose content ended out of the lists that tell of its content.
pub(super) async fn forget(
    tx: &mut PgConnection,
    id: &str,
    (tokens, received_at): (Vec<u8>, i64),
) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM hold_token WHERE received_at = $2 AND hold = $3 AND token IN \
         (SELECT substring($1::bytea FROM n * 10 + 1 FOR 10) FROM generate_series(0, length($1::bytea) / 10 - 1) AS n)",
    )
        .bind(tokens)
        .bind(received_at)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// One table, index and key that holds are read from; `None` reads all of them by time.
struct Arm<'a> {
    table: &'static str,
    hold: &'static str,
    key: Option<(&'static str, Key<'a>)>,
}

#[derive(Clone, Copy)]
enum Key<'a> {
    Bytes(&'a [u8]),
    Text(&'a str),
}

const HOLD: &str = "hold AS d";

/// The keys of a list; a hold may stand under several of them.
fn arms(list: Option<&List>) -> Vec<Arm<'_>> {
    let arm = |table, hold, column, key| Arm {
        table,
        hold,
        key: Some((column, key)),
    };
    match list {
        None => vec![Arm {
            table: HOLD,
            hold: "d.id",
            key: None,
        }],
        Some(List::Tokens(tokens)) => tokens
            .iter()
            .map(|token| arm("hold_token AS d", "d.hold", "d.token", Key::Bytes(token)))
            .collect(),
        Some(List::Rule(rule)) => vec![arm("hold_rule AS d", "d.hold", "d.rule", Key::Text(rule))],
        Some(List::Category(category)) => vec![arm(
            "hold_category AS d",
            "d.hold",
            "d.category",
            Key::Text(category),
        )],
        Some(List::States(states)) => states
            .iter()
            .map(|state| arm(HOLD, "d.id", "d.state", Key::Text(state)))
            .collect(),
    }
}

/// Reads a list in order: its range, and the lists that each of its holds must also be in.
struct Reading<'a> {
    list: Option<&'a List>,
    others: Vec<&'a List>,
    low: Option<Bound>,
    high: Option<Bound>,
    down: bool,
}

impl<'a> Reading<'a> {
    fn of(wanted: &'a Wanted, list: Option<&'a List>) -> Self {
        Self {
            list,
            others: Vec::new(),
            low: wanted.low.clone(),
            high: wanted.high.clone(),
            down: wanted.down,
        }
    }

    /// `SELECT at, hold` in order, up to `limit` of them from the `offset`th on.
    fn push(&self, query: &mut QueryBuilder<Postgres>, limit: u32, offset: u32) {
        let order = if self.down {
            " ORDER BY 1 DESC, 2 DESC LIMIT "
        } else {
            " ORDER BY 1, 2 LIMIT "
        };
        query.push("SELECT u.at, u.hold FROM (");
        for (nth, arm) in arms(self.list).into_iter().enumerate() {
            query.push(if nth > 0 { " UNION (" } else { "(" });
            self.push_arm(query, &arm);
            let enough = i64::from(limit) + i64::from(offset);
            query.push(order).push_bind(enough).push(")");
        }
        query.push(") AS u").push(order).push_bind(i64::from(limit));
        if offset > 0 {
            query.push(" OFFSET ").push_bind(i64::from(offset));
        }
    }

    fn push_arm(&self, query: &mut QueryBuilder<Postgres>, arm: &Arm<'_>) {
        query
            .push("SELECT d.received_at AS at, ")
            .push(arm.hold)
            .push(" AS hold FROM ")
            .push(arm.table)
            .push(" WHERE TRUE");
        if let Some((column, key)) = arm.key {
            query.push(" AND ").push(column).push(" = ");
            push_key(query, key);
        }
        for (bound, outside) in [(&self.low, " > "), (&self.high, " < ")] {
            if let Some(bound) = bound {
                query
                    .push(" AND (d.received_at, ")
                    .push(arm.hold)
                    .push(")")
                    .push(outside.trim_end())
                    .push(if bound.including { "= (" } else { " (" })
                    .push_bind(bound.at)
                    .push(", ")
                    .push_bind(bound.hold.clone())
                    .push(")");
            }
        }
        for other in &self.others {
            push_other(query, other, arm.hold);
        }
    }
}

fn push_key(query: &mut QueryBuilder<Postgres>, key: Key<'_>) {
    match key {
        Key::Bytes(bytes) => query.push_bind(bytes.to_vec()),
        Key::Text(text) => query.push_bind(text.to_owned()),
    };
}

/// That the hold is also in this list.
fn push_other(query: &mut QueryBuilder<Postgres>, list: &List, hold: &str) {
    let (table, id, column) = match list {
        List::Tokens(_) => ("hold_token AS p", "p.hold", "p.token"),
        List::Rule(_) => ("hold_rule AS p", "p.hold", "p.rule"),
        List::Category(_) => ("hold_category AS p", "p.hold", "p.category"),
        List::States(_) => ("hold AS p", "p.id", "p.state"),
    };
    query
        .push(" AND EXISTS (SELECT 1 FROM ")
        .push(table)
        .push(" WHERE ")
        .push(column)
        .push(" IN (");
    for (nth, arm) in arms(Some(list)).into_iter().enumerate() {
        if nth > 0 {
            query.push(", ");
        }
        if let Some((_, key)) = arm.key {
            push_key(query, key);
        }
    }
    query
        .push(") AND p.received_at = d.received_at AND ")
        .push(id)
        .push(" = ")
        .push(hold)
        .push(")");
}

/// How rare a list is where reading begins; less is rarer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rarity {
    /// So many in all of the range.
    Few(i64),
    /// [`SAMPLE`] of them, and this is minus the time they span.
    Many(i64),
}

async fn rarity(tx: &mut PgConnection, reading: &Reading<'_>) -> Result<Rarity, StoreError> {
    let mut query = QueryBuilder::<Postgres>::new("SELECT count(*), max(at) - min(at) FROM (");
    reading.push(&mut query, SAMPLE, 0);
    query.push(") AS f");
    let (count, span): (i64, Option<i64>) = query.build_query_as().fetch_one(tx).await?;
    Ok(if count < i64::from(SAMPLE) {
        Rarity::Few(count)
    } else {
        Rarity::Many(-span.unwrap_or(0))
    })
}

/// The reading with the least work, ended where the work of one call ends; `None` if nothing can be found. With it the place of that end.
async fn planned<'a>(
    tx: &mut PgConnection,
    wanted: &'a Wanted,
) -> Result<Option<(Reading<'a>, Option<(i64, String)>)>, StoreError> {
    let [first, rest @ ..] = wanted.lists.as_slice() else {
        return Ok(Some((Reading::of(wanted, None), None)));
    };
    let mut best = Reading::of(wanted, Some(first));
    if rest.is_empty() {
        return Ok(Some((best, None)));
    }
    let mut rarest = rarity(tx, &best).await?;
    for list in rest {
        if rarest == Rarity::Few(0) {
            break;
        }
        let reading = Reading::of(wanted, Some(list));
        let rare = rarity(tx, &reading).await?;
        if rare < rarest {
            (best, rarest) = (reading, rare);
        }
    }
    if rarest == Rarity::Few(0) {
        return Ok(None);
    }
    let mut reached = None;
    if matches!(rarest, Rarity::Many(_)) {
        let others = u32::try_from(rest.len()).unwrap_or(u32::MAX);
        let steps = (PROBES_AT_MOST / others).max(SAMPLE);
        let mut query = QueryBuilder::<Postgres>::new("");
        best.push(&mut query, 1, steps - 1);
        reached = query
            .build_query_as::<(i64, String)>()
            .fetch_optional(tx)
            .await?;
    }
    if let Some((at, hold)) = &reached {
        let end = Some(Bound {
            at: *at,
            hold: hold.clone(),
            including: true,
        });
        if wanted.down {
            best.low = end;
        } else {
            best.high = end;
        }
    }
    let driver = best.list;
    best.others = wanted
        .lists
        .iter()
        .filter(|list| !driver.is_some_and(|driver| std::ptr::eq(driver, *list)))
        .collect();
    Ok(Some((best, reached)))
}

#[async_trait]
impl SearchStore for PostgresStore {
    async fn search(&self, wanted: &Wanted) -> Result<Found, StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(BY_KEY).execute(&mut *tx).await?;
        let Some((reading, reached)) = planned(&mut tx, wanted).await? else {
            return Ok(Found::default());
        };
        let mut query = QueryBuilder::<Postgres>::new("SELECT ");
        query.push(HOLD_COLUMNS).push(" FROM (");
        reading.push(&mut query, wanted.limit, 0);
        query.push(") AS f JOIN hold ON hold.id = f.hold");
        let mut holds: Vec<StoredHold> = query.build_query_as().fetch_all(&mut *tx).await?;
        holds.sort_unstable_by(|a, b| {
            let order = (a.received_at, &a.id).cmp(&(b.received_at, &b.id));
            if wanted.down { order.reverse() } else { order }
        });
        let full = holds.len() >= wanted.limit as usize;
        Ok(Found {
            holds,
            reached: reached.filter(|_| !full),
        })
    }

    async fn count(&self, wanted: &Wanted) -> Result<(u32, bool), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(BY_KEY).execute(&mut *tx).await?;
        let Some((reading, reached)) = planned(&mut tx, wanted).await? else {
            return Ok((0, false));
        };
        let mut query = QueryBuilder::<Postgres>::new("SELECT count(*) FROM (");
        reading.push(&mut query, wanted.limit.saturating_add(1), 0);
        query.push(") AS f");
        let number: i64 = query.build_query_scalar().fetch_one(&mut *tx).await?;
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        Ok((
            number.min(wanted.limit),
            number > wanted.limit || reached.is_some(),
        ))
    }

    async fn unindexed(
        &self,
        before: Option<(i64, &str)>,
        limit: u32,
    ) -> Result<Vec<StoredHold>, StoreError> {
        let mut query = QueryBuilder::<Postgres>::new("SELECT ");
        query
            .push(HOLD_COLUMNS)
            .push(" FROM hold WHERE tokens IS NULL AND blob IS NOT NULL");
        if let Some((at, id)) = before {
            query
                .push(" AND (received_at, id) < (")
                .push_bind(at)
                .push(", ")
                .push_bind(id.to_owned())
                .push(")");
        }
        query
            .push(" ORDER BY received_at DESC, id DESC LIMIT ")
            .push_bind(i64::from(limit));
        Ok(query.build_query_as().fetch_all(&self.pool).await?)
    }

    async fn index(&self, tokens: &[(String, Vec<u8>)]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for (id, tokens) in tokens {
            let received_at: Option<i64> = sqlx::query_scalar(
                "UPDATE hold SET tokens = $1 WHERE id = $2 AND tokens IS NULL AND blob IS NOT NULL RETURNING received_at",
            )
            .bind(tokens)
            .bind(id)
            .fetch_optional(&mut *tx)
            .await?;
            // Ended, or indexed by another process, meanwhile.
            if let Some(received_at) = received_at {
                add(&mut tx, tokens, received_at, id).await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }
}
