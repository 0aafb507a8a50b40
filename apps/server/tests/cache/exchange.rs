//! One request over a connection of its own, and all that comes back.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::program::PATIENCE;

/// An answer, taken apart.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    fields: Vec<(String, String)>,
    pub(crate) body: String,
    /// The body broke off.
    pub(crate) broken: bool,
}

impl Answer {
    /// All values of a field, joined; `None` where there is no such field.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let lines = self.fields.iter().filter(|(known, _)| known == name);
        let values: Vec<_> = lines.map(|(_, value)| value.as_str()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }
}

/// Sends `request` and reads to the end of the connection.
pub(crate) fn exchange(address: SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    // A reset is an end too: what came before it counts.
    let _ = stream.read_to_end(&mut bytes);
    let mut rest = bytes.as_slice();
    loop {
        let (head, body) = split(rest, b"\r\n\r\n")
            .unwrap_or_else(|| panic!("no head in {:?}", String::from_utf8_lossy(&bytes)));
        let head = std::str::from_utf8(head).unwrap();
        let (line, lines) = head.split_once("\r\n").unwrap_or((head, ""));
        let status = line.split(' ').nth(1).unwrap().parse().unwrap();
        if (100..200).contains(&status) {
            rest = body;
            continue;
        }
        let fields = lines.lines().map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        });
        let mut answer = Answer {
            status,
            fields: fields.collect(),
            body: String::new(),
            broken: false,
        };
        if !request.starts_with("HEAD ") && !matches!(status, 204 | 304) {
            let (content, broken) = content(&answer, body);
            answer.body = String::from_utf8_lossy(&content).into_owned();
            answer.broken = broken;
        }
        return answer;
    }
}

fn split<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let place = bytes.windows(at.len()).position(|part| part == at)?;
    Some((&bytes[..place], &bytes[place + at.len()..]))
}

/// The content of a body, and whether it broke off.
fn content(answer: &Answer, body: &[u8]) -> (Vec<u8>, bool) {
    if answer.field("transfer-encoding").is_none() {
        let length = answer.field("content-length");
        let length = length.map_or(body.len(), |length| length.parse().unwrap());
        return (body.to_vec(), body.len() != length);
    }
    let (mut content, mut rest) = (Vec::new(), body);
    while let Some((size, after)) = split(rest, b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(size).unwrap(), 16).unwrap();
        if size == 0 {
            return (content, false);
        }
        let Some(chunk) = after.get(..size) else {
            break;
        };
        content.extend_from_slice(chunk);
        rest = after.get(size + 2..).unwrap_or(b"");
    }
    (content, true)
}
