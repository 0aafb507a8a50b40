//! Runs cases: one program and one origin for all that share a route, every case in a thread of its own.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::case::{Case, Source, Step};
use crate::exchange::{Answer, exchange};
use crate::origin::{Origin, Received, receive};
use crate::program::Program;
use crate::reply::Reply;
use crate::verdict::{self, Told};

/// How long what a step waits for may take.
const UNTIL: Duration = Duration::from_secs(8);

/// What the origin says to a case now, and what it was asked since the step began.
#[derive(Default)]
struct Script {
    step: usize,
    replies: Vec<Reply>,
    asked: Vec<Received>,
}

type Scripts = Arc<Mutex<HashMap<usize, Script>>>;

/// Runs all cases, and fails with all that went wrong.
#[track_caller]
pub(crate) fn check<const N: usize>(cases: [Case; N]) {
    let mut routes: Vec<(&str, Vec<Case>)> = Vec::new();
    for case in cases {
        match routes.iter_mut().find(|(route, _)| *route == case.route) {
            Some((_, cases)) => cases.push(case),
            None => routes.push((case.route, vec![case])),
        }
    }
    let failures: Vec<String> = thread::scope(|scope| {
        let sites: Vec<_> = routes
            .iter()
            .map(|(route, cases)| (cases, scope.spawn(|| on_route(route, cases))))
            .collect();
        let all = sites.into_iter().map(|(cases, site)| {
            site.join().unwrap_or_else(|_| {
                let names = cases.iter().map(|case| case.name);
                names
                    .map(|name| format!("FAILED {name}: no site"))
                    .collect()
            })
        });
        all.flatten().collect()
    });
    assert!(failures.is_empty(), "\n{}\n", failures.join("\n"));
}

fn on_route(route: &str, cases: &[Case]) -> Vec<String> {
    let scripts = Scripts::default();
    let origin = Origin::raw({
        let scripts = Arc::clone(&scripts);
        move |stream| serve(stream, &scripts)
    });
    let program = Program::configured(&format!(
        "[upstreams.app]\nendpoints = [\"http://{}\"]\n[routes.app]\npath = \"/{{*rest}}\"\nupstream = \"app\"\nretries.attempts = 0\n{route}\n",
        origin.address
    ));
    let (gateway, scripts) = (program.gateway, &scripts);
    thread::scope(|scope| {
        let running: Vec<_> = cases
            .iter()
            .enumerate()
            .map(|(place, case)| {
                let run = move || run(gateway, scripts, place, case);
                (case, scope.spawn(run))
            })
            .collect();
        let ended = running.into_iter().map(|(case, run)| {
            let result = run.join().unwrap_or_else(|_| Err("it panicked".to_owned()));
            result
                .err()
                .map(|why| format!("FAILED {}: {why}", case.name))
        });
        ended.flatten().collect()
    })
}

/// Answers the requests of one connection, each as its case says.
fn serve(mut stream: TcpStream, scripts: &Scripts) {
    while let Some(request) = receive(&mut stream) {
        let target = verdict::target(&request.head);
        let place: Option<usize> = target.strip_prefix("/case").and_then(|rest| {
            let (place, _) = rest.split_once('/')?;
            place.parse().ok()
        });
        let Some(place) = place else { return };
        let method = request.head.split(' ').next().unwrap().to_owned();
        let (reply, step) = {
            let mut scripts = scripts.lock().unwrap();
            let script = scripts.entry(place).or_default();
            let last = script.replies.len().saturating_sub(1);
            let reply = script.replies.get(script.asked.len().min(last)).cloned();
            script.asked.push(request);
            (reply.unwrap_or_else(|| Reply::ok(&[])), script.step)
        };
        if !reply.delay.is_zero() {
            thread::park_timeout(reply.delay);
        }
        let bytes = reply.bytes(&method, step, &format!("/case{place}"));
        if stream.write_all(bytes.as_bytes()).is_err() || reply.closes() {
            return;
        }
    }
}

/// Takes a case's steps one after the other.
fn run(gateway: SocketAddr, scripts: &Scripts, place: usize, case: &Case) -> Result<(), String> {
    let mut known = Known::default();
    for (number, step) in (1..).zip(&case.steps) {
        let end = Instant::now() + UNTIL;
        loop {
            let tried = attempt(gateway, scripts, place, (number, step), &mut known);
            match tried {
                Ok(()) => break,
                Err(_) if step.until && Instant::now() < end => {
                    thread::park_timeout(Duration::from_millis(40));
                }
                Err(why) => return Err(format!("step {number}: {why}")),
            }
        }
    }
    Ok(())
}

/// What a case has learnt.
#[derive(Default)]
struct Known {
    /// What the origin last said to each question: what the store may answer with.
    said: HashMap<(&'static str, &'static str, Option<&'static str>), (u16, String)>,
    /// What stands for `{kept}`.
    kept: String,
}

fn attempt(
    gateway: SocketAddr,
    scripts: &Scripts,
    place: usize,
    (number, step): (usize, &Step),
    known: &mut Known,
) -> Result<(), String> {
    let script = Script {
        step: number,
        replies: step.replies.clone(),
        asked: Vec::new(),
    };
    scripts.lock().unwrap().insert(place, script);
    let request = written(step, place).replace("{kept}", &known.kept);
    let answers: Vec<Answer> = thread::scope(|scope| {
        let asking: Vec<_> = (0..step.copies)
            .map(|_| scope.spawn(|| exchange(gateway, &request)))
            .collect();
        let answers = asking.into_iter().map(|asking| asking.join().unwrap());
        answers.collect()
    });
    if step.refreshes {
        // What is asked for behind the answer, before the next step has other replies.
        let end = Instant::now() + UNTIL;
        while scripts.lock().unwrap()[&place].asked.is_empty() && Instant::now() < end {
            thread::park_timeout(Duration::from_millis(5));
        }
    }
    let asked = scripts.lock().unwrap()[&place].asked.clone();
    let said = match step.source {
        Source::Origin => {
            let last = step.replies.len().saturating_sub(1);
            let reply = step.replies.get(asked.len().saturating_sub(1).min(last));
            let reply = reply.cloned().unwrap_or_else(|| Reply::ok(&[]));
            let said = (reply.status, reply.text(number));
            if matches!(step.method, "GET" | "QUERY") && reply.status != 304 {
                known.said.insert(step.wanted(), said.clone());
            }
            Some(said)
        }
        Source::Store | Source::Validated | Source::Stale => {
            known.said.get(&step.wanted()).cloned()
        }
        Source::Gateway | Source::Any => None,
    };
    let told = Told {
        base: format!("/case{place}"),
        asked: &asked,
    };
    for answer in &answers {
        verdict::judge(step, answer, &told, said.as_ref())
            .map_err(|why| format!("{why}; asked {}; {answer:?}", asked.len()))?;
    }
    verdict::judge_all(step, &answers)?;
    if let Some(name) = step.keeps {
        let kept = answers.iter().find_map(|answer| answer.field(name));
        known.kept = kept.ok_or_else(|| format!("no {name} to keep"))?;
    }
    Ok(())
}

fn written(step: &Step, place: usize) -> String {
    let mut out = format!(
        "{} /case{place}{} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n",
        step.method, step.path, step.host
    );
    for line in &step.fields {
        out.push_str(&crate::dates::fill(line, &format!("/case{place}")));
        out.push_str("\r\n");
    }
    if step.chunked {
        out.push_str("transfer-encoding: chunked\r\n\r\n");
        let content = step.content.unwrap_or("");
        let (first, rest) = content.split_at(content.len() / 2);
        for chunk in [first, rest].into_iter().filter(|chunk| !chunk.is_empty()) {
            let _ = write!(out, "{:x}\r\n{chunk}\r\n", chunk.len());
        }
        return out + "0\r\n\r\n";
    }
    if let Some(content) = step.content {
        out.push_str("content-length: ");
        out.push_str(&content.len().to_string());
        out.push_str("\r\n");
    }
    out.push_str("\r\n");
    out + step.content.unwrap_or("")
}
