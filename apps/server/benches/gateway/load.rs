//! The load: few instructions of its own, the same for every contender.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// Kept connections that are asked in waves: a request on each, then an answer on each.
pub(crate) struct Connections {
    streams: Vec<TcpStream>,
    room: Vec<u8>,
}

impl Connections {
    pub(crate) fn open(address: SocketAddr, count: usize) -> Self {
        let connect = |_| {
            let stream = TcpStream::connect(address).unwrap();
            stream.set_nodelay(true).unwrap();
            stream
        };
        Self {
            streams: (0..count).map(connect).collect(),
            room: vec![0; 256 << 10],
        }
    }

    /// Sends `requests`, as many at once as there are connections, and reads what is answered.
    pub(crate) fn ask<'a>(&mut self, requests: impl IntoIterator<Item = &'a [u8]>, status: u16) {
        let mut requests = requests.into_iter();
        loop {
            let mut asked = 0;
            for (stream, request) in self.streams.iter_mut().zip(requests.by_ref()) {
                stream.write_all(request).unwrap();
                asked += 1;
            }
            if asked == 0 {
                return;
            }
            for stream in &mut self.streams[..asked] {
                read_answer(stream, &mut self.room, status);
            }
        }
    }
}

/// A GET with the fields that a small client sends.
pub(crate) fn get(path: &str, fields: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: bench.example\r\nuser-agent: bench/1\r\naccept: */*\r\n{fields}\r\n")
        .into_bytes()
}

fn read_answer(stream: &mut TcpStream, room: &mut [u8], status: u16) {
    let mut filled = 0;
    let head = loop {
        let read = stream.read(&mut room[filled..]).unwrap();
        assert!(read > 0, "the server closed");
        filled += read;
        let end = room[..filled]
            .windows(4)
            .position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            break end + 4;
        }
    };
    let text = std::str::from_utf8(&room[..head]).unwrap();
    assert!(
        text.get(9..12) == Some(&status.to_string()),
        "not {status}: {text}"
    );
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().unwrap())
    });
    let body = if status == 304 {
        0
    } else {
        length.expect("a length")
    };
    let mut left = (head + body)
        .checked_sub(filled)
        .expect("one answer at a time");
    while left > 0 {
        let want = left.min(room.len());
        let read = stream.read(&mut room[..want]).unwrap();
        assert!(read > 0, "the server closed");
        left -= read;
    }
}

/// Asks at a constant rate over `threads` connections for `time`; each latency, sorted, counted from when its request was
/// due, so that one that had to wait for another is not passed over.
pub(crate) fn at_rate(
    address: SocketAddr,
    request: &[u8],
    (rate, threads, time): (f64, usize, Duration),
) -> Vec<Duration> {
    let begun = Instant::now() + Duration::from_millis(20);
    let gap = Duration::from_secs_f64(threads as f64 / rate);
    let mut all: Vec<Duration> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|place| {
                scope.spawn(move || {
                    let mut stream = TcpStream::connect(address).unwrap();
                    stream.set_nodelay(true).unwrap();
                    let mut room = vec![0; 64 << 10];
                    let mut due = begun
                        + gap * u32::try_from(place).unwrap() / u32::try_from(threads).unwrap();
                    let mut seen = Vec::new();
                    while due < begun + time {
                        thread::sleep(due.saturating_duration_since(Instant::now()));
                        stream.write_all(request).unwrap();
                        read_answer(&mut stream, &mut room, 200);
                        seen.push(due.elapsed());
                        due += gap;
                    }
                    seen
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect()
    });
    all.sort_unstable();
    all
}

/// Keys whose frequency falls with their rank to the power of `exponent` (Zipf), the same ones in each run.
pub(crate) fn zipf(keys: usize, exponent: f64, count: usize) -> Vec<usize> {
    let mut sum = 0.0;
    let table: Vec<f64> = (1..=keys)
        .map(|rank| {
            sum += (rank as f64).powf(-exponent);
            sum
        })
        .collect();
    let mut state = 1_u64;
    let mut draw = || {
        // splitmix64
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as f64 / u64::MAX as f64 * sum
    };
    (0..count)
        .map(|_| {
            let at = draw();
            table.partition_point(|end| *end < at).min(keys - 1)
        })
        .collect()
}
