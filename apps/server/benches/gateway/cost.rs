//! CPU time a request: the figure that holds on a noisy machine.

use crate::load::{Connections, get};
use crate::process::Process;
use crate::spread::Spread;

/// One kind of request, and who answers it: ours first.
pub(crate) struct Row<'a> {
    pub(crate) name: &'a str,
    /// Requests in their order, from the first again when they are used up.
    pub(crate) requests: Vec<Vec<u8>>,
    /// Asked once before all, such as to fill a cache.
    pub(crate) before: Vec<Vec<u8>>,
    pub(crate) status: u16,
    pub(crate) connections: usize,
    /// Who must have nothing to do, for the answers are stored.
    idle: Option<&'a Process>,
    contenders: Vec<Contender<'a>>,
}

struct Contender<'a> {
    name: &'a str,
    process: &'a Process,
    /// What it is asked in the place of the row's requests.
    requests: Option<Vec<Vec<u8>>>,
    /// The most that ours may take of its time, where the project has set itself one.
    limit: Option<f64>,
}

impl<'a> Row<'a> {
    /// A row of one request that is answered with 200.
    pub(crate) fn new(name: &'a str, path: &str, fields: &str) -> Self {
        Self {
            name,
            requests: vec![get(path, fields)],
            before: vec![get(path, ""); 64],
            status: 200,
            connections: 64,
            idle: None,
            contenders: Vec::new(),
        }
    }

    /// Adds ours.
    pub(crate) fn ours(self, name: &'a str, process: &'a Process) -> Self {
        self.beside(name, Some(process), None)
    }

    /// Adds another, if it is there.
    pub(crate) fn beside(
        mut self,
        name: &'a str,
        process: Option<&'a Process>,
        limit: impl Into<Option<f64>>,
    ) -> Self {
        let limit = limit.into();
        self.contenders.extend(process.map(|process| Contender {
            name,
            process,
            requests: None,
            limit,
        }));
        self
    }

    /// All answers are hits: `origin` has next to nothing to do.
    pub(crate) fn without(mut self, origin: &'a Process) -> Self {
        self.idle = Some(origin);
        self
    }

    /// The contender added last is asked for another path.
    pub(crate) fn at(mut self, path: &str, fields: &str) -> Self {
        if let Some(last) = self.contenders.last_mut() {
            last.requests = Some(vec![get(path, fields)]);
            self.before.push(get(path, fields));
        }
        self
    }

    /// Measures in interleaved rounds, of which the first warms up, and prints a line for each contender.
    pub(crate) fn measure(&self, rounds: usize, requests: usize) {
        let mut connections: Vec<_> = self
            .contenders
            .iter()
            .map(|contender| Connections::open(contender.process.address, self.connections))
            .collect();
        let mut times = vec![Vec::new(); self.contenders.len()];
        for round in 0..=rounds {
            let contenders = self.contenders.iter().zip(&mut connections).zip(&mut times);
            for ((contender, connections), times) in contenders {
                if round == 0 {
                    connections.ask(self.before.iter().map(Vec::as_slice), 200);
                }
                let asked = contender.requests.as_ref().unwrap_or(&self.requests);
                let asked = asked.iter().cycle().take(requests);
                let origin = self.idle.map(Process::cpu_nanos);
                let before = contender.process.cpu_nanos();
                connections.ask(asked.map(Vec::as_slice), self.status);
                let spent = contender.process.cpu_nanos() - before;
                if let Some((origin, idle)) = origin.zip(self.idle) {
                    let asked = idle.cpu_nanos() - origin > spent / 10;
                    assert!(!asked || round == 0, "{} asks the origin", contender.name);
                }
                if round > 0 {
                    times.push(spent as f64 / 1e3 / requests as f64);
                }
            }
        }
        println!("{}", self.name);
        let mut ours = None;
        for (contender, times) in self.contenders.iter().zip(times) {
            line(
                contender.name,
                &Spread::of(times),
                &mut ours,
                contender.limit,
            );
        }
    }
}

/// Prints a contender's figure, and what `ours`, the first, takes of it.
pub(crate) fn line(name: &str, spread: &Spread, ours: &mut Option<f64>, limit: Option<f64>) {
    let limit = limit.map_or_else(String::new, |limit| format!(", at most {limit}"));
    match ours {
        None => println!("  {name:<22} {spread} us"),
        Some(ours) => {
            println!(
                "  {name:<22} {spread} us   ours {:.2} x{limit}",
                *ours / spread.median
            );
        }
    }
    ours.get_or_insert(spread.median);
}
