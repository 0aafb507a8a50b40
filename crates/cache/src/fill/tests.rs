use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::SeqCst;
use std::task::Waker;

use http::HeaderMap;
use http_body::Frame;
use tokio::sync::mpsc;

use super::*;
use crate::memory::MemoryProvider;
use world::{Broken, Client, Sent, TestBody, World, key, plan, store};

mod property;
mod world;

const PLENTY: u64 = 1 << 20;

#[test]
fn each_reader_takes_at_its_own_pace_and_pieces_are_held_once() {
    let (mut world, mut first) = World::new(PLENTY, PLENTY);
    world.send_and_run("ab");
    assert_eq!(first.text(), "ab");
    let mut second = world.client().unwrap();
    world.send_and_run("cd");
    assert_eq!(second.text(), "abcd");
    assert_eq!(world.memory.memory_in_use(), 4 + 2 * PIECE_COST);
    assert_eq!(first.text(), "abcd");
    let mut third = world.client().unwrap();
    world.end();
    assert_eq!(world.memory.memory_in_use(), 0);
    let mut late = world.client().unwrap();
    for client in [&mut first, &mut second, &mut third, &mut late] {
        assert_eq!(client.text(), "abcd");
        assert!(client.ended && client.error.is_none());
    }
    assert_eq!(world.stored().unwrap(), "abcd");
}

#[test]
fn after_the_end_all_read_the_stored_bytes() {
    let (mut world, client) = World::new(PLENTY, PLENTY);
    world.send_and_run("ab");
    world.send_and_run("cd");
    world.end();
    let stored = world.stored().unwrap();
    for mut reader in [client.reader, world.source.reader().unwrap()] {
        let frame = reader.poll_frame(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(Some(Ok(frame))) = frame else {
            panic!("the body is there");
        };
        assert_eq!(frame.into_data().unwrap().as_ptr(), stored.as_ptr());
        assert!(reader.is_end_stream());
    }
}

#[test]
fn a_fill_ends_when_the_last_reader_leaves() {
    let (mut world, first) = World::new(PLENTY, PLENTY);
    world.send_and_run("a");
    let second = world.client().unwrap();
    drop(first);
    world.send_and_run("b");
    assert!(!world.has_stopped());
    drop(second);
    world.run();
    assert!(world.has_stopped() && world.fill.is_none());
    assert_eq!(world.memory.memory_in_use(), 0);
    assert!(world.client().is_none() && world.source.ticket().is_none());
    assert_eq!(world.stored(), None);
}

#[test]
fn a_promise_keeps_a_fill_going() {
    let (mut world, first) = World::new(PLENTY, PLENTY);
    let ticket = world.source.ticket().unwrap();
    let another = ticket.clone();
    drop(first);
    world.send_and_run("ab");
    drop(ticket);
    world.run();
    assert!(!world.has_stopped());
    let mut client = Client::new(another.attach());
    world.end();
    assert_eq!(client.text(), "ab");

    let (mut world, first) = World::new(PLENTY, PLENTY);
    let ticket = world.source.ticket().unwrap();
    drop(first);
    world.run();
    drop(ticket);
    world.run();
    assert!(world.has_stopped());
}

/// Over the largest body, or without memory.
fn streams(max_object: u64, room: u64) {
    let (mut world, mut first) = World::new(max_object, room);
    let mut second = world.client().unwrap();
    let ticket = world.source.ticket().unwrap();
    for _ in 0..9 {
        world.send_and_run(&"x".repeat(50));
    }
    assert!(!world.has_stopped());
    assert!(world.client().is_none(), "the beginning is not kept");
    let held = first.text().len();
    assert!(held < 450, "the rest waits");
    assert_eq!(second.text().len(), held);
    world.run();
    assert_eq!(first.text().len(), held, "one is promised all of it");
    let mut third = Client::new(ticket.attach());
    assert!(third.step());
    world.run();
    assert_eq!(
        second.text().len(),
        held,
        "the slowest has taken a piece only"
    );
    assert_eq!(third.text().len(), held);
    assert_eq!(world.memory.memory_in_use(), 0, "all have taken it");
    world.run();
    assert_eq!(first.text().len(), held + 50, "one piece at a time");
    drop(third);
    world.run();
    assert_eq!(first.text().len(), held + 50);
    // The slowest one leaves, and the rest goes on.
    drop(second);
    world.sender = None;
    while world.fill.is_some() {
        world.run();
        first.text();
    }
    assert_eq!(first.text().len(), 450);
    assert!(first.ended && first.error.is_none());
    assert_eq!(world.stored(), None);
}

#[test]
fn what_is_not_kept_streams_at_the_pace_of_the_slowest_reader() {
    streams(200, PLENTY);
    streams(PLENTY, 600);
}

#[test]
fn a_fill_without_clients_goes_on_and_takes_them_as_they_come() {
    let (mut world, _) = World::with(PLENTY, PLENTY, None, true);
    world.run();
    world.send_and_run("ab");
    let mut client = world.client().unwrap();
    assert_eq!(client.text(), "ab");
    drop(client);
    world.send_and_run("cd");
    assert!(!world.has_stopped());
    world.end();
    assert_eq!(world.stored().unwrap(), "abcd");

    // But not for what is neither read nor stored.
    let (mut world, _) = World::with(3, PLENTY, None, true);
    world.run();
    world.send_and_run("ab");
    world.send_and_run("cd");
    assert!(world.has_stopped());
    assert_eq!(world.memory.memory_in_use(), 0);
}

#[test]
fn each_reader_gets_the_error_of_a_broken_body() {
    let (mut world, first) = World::new(PLENTY, PLENTY);
    world.send_and_run("ab");
    let second = world.client().unwrap();
    world.send(Sent::Frame(Err(Broken)));
    world.run();
    assert!(world.client().is_none());
    for mut client in [first, second] {
        assert_eq!(client.text(), "ab");
        let error = client.error.unwrap();
        let cause = std::error::Error::source(&error).unwrap();
        assert_eq!(cause.downcast_ref(), Some(&Broken));
        assert!(!error.is_abandoned());
    }
    assert_eq!(world.memory.memory_in_use(), 0);
    assert_eq!(world.stored(), None);
}

#[test]
fn readers_of_a_fill_that_is_no_more_get_an_error() {
    let (mut world, mut client) = World::new(PLENTY, PLENTY);
    world.send_and_run("ab");
    assert_eq!(client.text(), "ab");
    world.fill = None;
    assert_eq!(client.text(), "ab");
    assert!(client.error.unwrap().is_abandoned() && world.client().is_none());
    drop(client.reader);
    assert_eq!(world.memory.memory_in_use(), 0);

    let (mut world, mut client) = World::new(PLENTY, PLENTY);
    world.send_and_run("ab");
    world.send(Sent::Panic);
    // As an executor does: what panicked is dropped.
    catch_unwind(AssertUnwindSafe(|| world.run())).unwrap_err();
    world.fill = None;
    assert_eq!(client.text(), "ab");
    assert!(client.error.unwrap().is_abandoned());
    assert_eq!(world.stored(), None);
}

#[test]
fn readers_on_other_threads_get_all_of_it() {
    const PIECES: usize = 500;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .build()
        .unwrap();
    for (max_object, keeps) in [(PLENTY, true), (3000, false)] {
        let (store, memory) = (store(), FillMemory::new(PLENTY));
        let (sender, receiver) = mpsc::unbounded_channel();
        let (fill, reader) = Fill::new(TestBody(receiver), plan(&store, &memory, max_object, None));
        let source = reader.source();
        let mut readers = vec![reader];
        readers.extend((0..8).map(|_| source.reader().unwrap()));
        runtime.block_on(async {
            let reads: Vec<_> = readers
                .into_iter()
                .enumerate()
                .map(|(number, mut reader)| {
                    tokio::spawn(async move {
                        let mut read = Vec::new();
                        while let Some(frame) =
                            std::future::poll_fn(|cx| reader.poll_frame(cx)).await
                        {
                            read.extend(frame.unwrap().into_data().unwrap());
                            if number == 3 && read.len() > 2000 {
                                break;
                            }
                            if number % 2 == 0 {
                                tokio::task::yield_now().await;
                            }
                        }
                        read
                    })
                })
                .collect();
            let fill = tokio::spawn(fill);
            let mut sent = Vec::new();
            for number in 0..PIECES {
                let piece = format!("{number:010}");
                sent.extend_from_slice(piece.as_bytes());
                sender
                    .send(Sent::Frame(Ok(Frame::data(piece.into()))))
                    .unwrap();
            }
            drop(sender);
            for (number, read) in reads.into_iter().enumerate() {
                let read = read.await.unwrap();
                if number == 3 {
                    assert_eq!(read, sent[..read.len()]);
                } else {
                    assert_eq!(read, sent);
                }
            }
            fill.await.unwrap();
        });
        assert_eq!(memory.memory_in_use(), 0);
        assert_eq!(store.find(&key()).is_some(), keeps);
    }
}
