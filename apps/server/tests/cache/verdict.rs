//! Does an answer show what its step wants?

use crate::case::{Source, Step, Want};
use crate::exchange::Answer;
use crate::origin::Received;

/// What the origin was asked meanwhile.
pub(crate) struct Told<'a> {
    /// The case's own prefix of paths.
    pub(crate) base: String,
    pub(crate) asked: &'a [Received],
}

/// The target of a request's head.
pub(crate) fn target(head: &str) -> &str {
    head.split(' ').nth(1).unwrap_or("")
}

/// Checks one answer; `said` is the status and body that the source has.
pub(crate) fn judge(
    step: &Step,
    answer: &Answer,
    told: &Told<'_>,
    said: Option<&(u16, String)>,
) -> Result<(), String> {
    source(step, answer, told)?;
    let wanted_status = step.wants.iter().find_map(|want| match want {
        Want::Status(status) => Some(*status),
        _ => None,
    });
    let wanted_body = step.wants.iter().find_map(|want| match want {
        Want::Body(body) => Some(*body),
        _ => None,
    });
    if let Some(status) = wanted_status.or(said.map(|(status, _)| *status)) {
        equal("status", &answer.status, &status)?;
    }
    let headless = step.method != "HEAD" && answer.status != 304;
    let body = wanted_body.or(said.map(|(_, body)| body.as_str()));
    if let Some(body) = body.filter(|_| headless) {
        equal("body", &answer.body.as_str(), &body)?;
    }
    let breaks = step.wants.iter().any(|want| matches!(want, Want::Broken));
    equal("whether the body breaks off", &answer.broken, &breaks)?;
    step.wants
        .iter()
        .try_for_each(|want| fulfilled(want, answer, told))
}

/// Checks what is wanted of all answers together.
pub(crate) fn judge_all(step: &Step, answers: &[Answer]) -> Result<(), String> {
    for want in &step.wants {
        if let Want::Several(wanted, text) = want {
            let status = |answer: &&Answer| {
                answer
                    .field("cache-status")
                    .unwrap_or_default()
                    .contains(text)
            };
            equal(text, &answers.iter().filter(status).count(), wanted)?;
        }
    }
    Ok(())
}

/// Checks who answered: by whether the origin was asked, and by what the answer says itself.
fn source(step: &Step, answer: &Answer, told: &Told<'_>) -> Result<(), String> {
    let word = answer.field("x-cache").unwrap_or_default();
    let asked = told.asked.len();
    let right = match step.source {
        Source::Origin => asked > 0 && matches!(&*word, "MISS" | "BYPASS" | ""),
        Source::Store => asked == 0 && word == "HIT" && answer.field("age").is_some(),
        Source::Validated => asked > 0 && word == "REVALIDATED",
        Source::Stale => word == "STALE",
        Source::Gateway => answer.status >= 500 && !matches!(&*word, "HIT" | "STALE"),
        Source::Any => true,
    };
    if right {
        Ok(())
    } else {
        Err(format!("wanted from {:?}, X-Cache {word:?}", step.source))
    }
}

fn fulfilled(want: &Want, answer: &Answer, told: &Told<'_>) -> Result<(), String> {
    let field = |line: &str| {
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        (name.to_owned(), value.to_owned())
    };
    let last = || told.asked.last().ok_or("the origin was not asked");
    match want {
        Want::Field(line) => {
            let (name, value) = field(line);
            equal(&name, &answer.field(&name), &Some(value))
        }
        Want::Begins(line) => {
            let (name, start) = field(line);
            let value = answer.field(&name).unwrap_or_default();
            holds(value.starts_with(&start), || {
                format!("{name}: {value:?}, wanted {start:?} first")
            })
        }
        Want::NoField(name) => equal(name, &answer.field(name), &None),
        Want::NoFieldWhenStored(name) if told.asked.is_empty() => {
            equal(name, &answer.field(name), &None)
        }
        // What the others want was looked at before.
        Want::NoFieldWhenStored(_)
        | Want::Status(_)
        | Want::Body(_)
        | Want::Broken
        | Want::Several(..) => Ok(()),
        Want::Age(wanted) => {
            let age = answer.field("age").and_then(|age| age.parse::<u64>().ok());
            holds(
                age.is_some_and(|age| (*wanted..*wanted + 10).contains(&age)),
                || format!("age {age:?}, wanted {wanted} or little more"),
            )
        }
        Want::Says(text) => {
            let status = answer.field("cache-status").unwrap_or_default();
            let member = status.rsplit(", ").next().unwrap_or("");
            holds(member.starts_with("urm") && member.contains(text), || {
                format!("Cache-Status {status:?} without {text:?}")
            })
        }
        Want::Told(line) => {
            let (name, value) = field(line);
            equal(&name, &last()?.field(&name), &Some(value.as_str()))
        }
        Want::NotTold(name) => equal(name, &last()?.field(name), &None),
        Want::ToldTarget(path) => {
            let wanted = format!("{}{path}", told.base);
            equal("target", &target(&last()?.head), &wanted.as_str())
        }
        Want::ToldMethod(method) => {
            let head = &last()?.head;
            equal("method", &head.split(' ').next(), &Some(*method))
        }
        Want::ToldContent(content) => {
            let last = last()?;
            let length = content.len().to_string();
            equal("content", &&*last.body, &content.as_bytes())?;
            equal("length", &last.field("content-length"), &Some(&*length))
        }
        Want::Asked(times) => equal("requests at the origin", &told.asked.len(), times),
    }
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, wanted: &T) -> Result<(), String> {
    if found == wanted {
        Ok(())
    } else {
        Err(format!("{what}: {found:?}, wanted {wanted:?}"))
    }
}

fn holds(right: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if right { Ok(()) } else { Err(why()) }
}
