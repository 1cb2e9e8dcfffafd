//! `echo`: says something, leaves it behind with what others left, and spawns more of its kind. To try jobs out.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Context, Done, TaskError, TaskSpec};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// For the log and the result.
    #[serde(default)]
    say: String,
    /// What tasks left whose ids begin so is part of the result.
    results: Option<String>,
    /// It fails for good, for this reason.
    fail: Option<String>,
    /// Tasks of this kind that are to be done as well.
    #[serde(default)]
    spawn: Vec<Spawn>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spawn {
    id: String,
    #[serde(default)]
    params: Value,
    #[serde(default)]
    needs: Vec<String>,
}

/// May be repeated: it changes nothing.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let Params { say, results, fail, spawn } = serde_json::from_str(params)?;
    context.log(format!("{} of run {}, number {}: {say}", context.task, context.run, context.number));
    if let Some(reason) = fail {
        return Err(TaskError::permanent(reason));
    }
    let results = match results {
        Some(prefix) => Some(context.results(&prefix).await?),
        None => None,
    };
    let spawn = spawn.into_iter().map(|Spawn { id, params, needs }| TaskSpec {
        id,
        kind: "echo",
        params: if params.is_null() { "{}".to_owned() } else { params.to_string() },
        needs,
    });
    let result = json!({ "said": say, "results": results });
    Ok(Done { result: result.to_string(), spawn: spawn.collect() })
}
