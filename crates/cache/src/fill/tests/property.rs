//! Random orders of everything that can happen to a fill.

use http::HeaderValue;
use http::header::ETAG;
use proptest::prelude::*;

use super::*;
use crate::fill::reader::Ticket;

#[derive(Clone, Debug)]
enum Event {
    Sends(usize),
    Runs,
    Joins,
    Promises,
    // A promise is doubled, kept or dropped.
    Doubles(prop::sample::Index),
    Attaches(prop::sample::Index),
    Forgets(prop::sample::Index),
    Reads(prop::sample::Index),
    Leaves(prop::sample::Index),
    Ends(End),
    DropsFill,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Complete,
    Trailers,
    Broken,
}

fn event() -> impl Strategy<Value = Event> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        10 => (0_usize..200).prop_map(Event::Sends),
        10 => Just(Event::Runs),
        6 => Just(Event::Joins),
        3 => Just(Event::Promises),
        1 => index().prop_map(Event::Doubles),
        3 => index().prop_map(Event::Attaches),
        1 => index().prop_map(Event::Forgets),
        20 => index().prop_map(Event::Reads),
        3 => index().prop_map(Event::Leaves),
        2 => prop_oneof![
            2 => Just(End::Complete),
            1 => Just(End::Trailers),
            1 => Just(End::Broken),
        ].prop_map(Event::Ends),
        1 => Just(Event::DropsFill),
    ]
}

fn remove<T>(list: &mut Vec<T>, index: prop::sample::Index) -> Option<T> {
    (!list.is_empty()).then(|| list.swap_remove(index.index(list.len())))
}

proptest! {
    /// Whatever happens in whatever order: each reader gets exactly what was sent or an error, and is
    /// woken for it; only what is complete is stored; the memory is never exceeded and all given back.
    #[test]
    fn whatever_happens_nothing_is_lost_or_leaked(
        events in prop::collection::vec(event(), 0..100),
        max_object in prop_oneof![Just(PLENTY), 1_u64..2000],
        room in prop_oneof![Just(PLENTY), 0_u64..3000],
        declared in prop_oneof![3 => Just(None), 1 => (0_u64..300).prop_map(Some)],
        unattended in any::<bool>(),
    ) {
        let (mut world, client) = World::with(max_object, room, declared, unattended);
        let mut clients = Vec::from_iter(client);
        let mut tickets: Vec<Ticket> = Vec::new();
        let mut sent = Vec::new();
        let (mut end, mut dropped, mut refused) = (None, false, false);
        // Somebody was there all the time, or nobody need be.
        let mut deserted = false;
        for event in events {
            match event {
                Event::Sends(bytes) => {
                    let piece: Vec<u8> = (b'a'..=b'z').cycle().skip(sent.len() % 26).take(bytes).collect();
                    if world.send(Sent::Frame(Ok(Frame::data(Bytes::from(piece.clone()))))) {
                        sent.extend(piece);
                    }
                }
                Event::Runs => world.run(),
                Event::Joins | Event::Promises => {
                    let ticket = world.source.ticket();
                    assert!(!(refused && ticket.is_some()), "the beginning does not come back");
                    refused |= ticket.is_none();
                    let ample = max_object == PLENTY && room == PLENTY && declared.is_none();
                    let fine = matches!(end, None | Some(End::Complete)) && !dropped && !deserted;
                    assert!(ticket.is_some() || !(ample && fine));
                    match (ticket, event) {
                        (Some(ticket), Event::Joins) => clients.push(Client::new(ticket.attach())),
                        (ticket, _) => tickets.extend(ticket),
                    }
                }
                Event::Doubles(index) => if !tickets.is_empty() {
                    tickets.push(index.get(&tickets).clone());
                },
                Event::Attaches(index) => {
                    let ticket = remove(&mut tickets, index);
                    clients.extend(ticket.map(|ticket| Client::new(ticket.attach())));
                }
                Event::Forgets(index) => drop(remove(&mut tickets, index)),
                Event::Reads(index) => if !clients.is_empty() {
                    let at = index.index(clients.len());
                    clients[at].step();
                    assert!(sent.starts_with(&clients[at].read));
                },
                Event::Leaves(index) => drop(remove(&mut clients, index)),
                Event::Ends(how) => if end.is_none() {
                    end = Some(how);
                    match how {
                        End::Complete => {}
                        End::Trailers => {
                            let trailers = HeaderMap::from_iter([(ETAG, HeaderValue::from_static("x"))]);
                            world.send(Sent::Frame(Ok(Frame::trailers(trailers))));
                        }
                        End::Broken => {
                            world.send(Sent::Frame(Err(Broken)));
                        }
                    }
                    world.sender = None;
                },
                Event::DropsFill => dropped |= world.fill.take().is_some(),
            }
            deserted |= clients.is_empty() && tickets.is_empty() && !unattended;
            assert!(world.memory.memory_in_use() <= room);
        }
        clients.extend(tickets.into_iter().map(Ticket::attach).map(Client::new));
        world.sender = None;
        let end = end.unwrap_or(End::Complete);
        // Only who was woken goes on.
        let mut goes_on = true;
        while goes_on {
            world.run();
            goes_on = false;
            for client in &mut clients {
                goes_on |= client.flag.0.load(SeqCst) && client.step();
            }
            assert!(world.memory.memory_in_use() <= room);
        }
        for client in &clients {
            assert!(client.ended);
            assert!(sent.starts_with(&client.read));
            match &client.error {
                Some(error) => assert_eq!(error.is_abandoned(), dropped),
                None => assert_eq!(client.read, sent),
            }
            let broken = client.error.as_ref().is_some_and(|error| !error.is_abandoned());
            assert!(dropped || (broken == (end == End::Broken) && client.read == sent));
            assert!(dropped || client.trailers == usize::from(end == End::Trailers));
        }
        assert!(world.fill.is_none(), "it has come to its end");
        drop(clients);
        assert_eq!(world.memory.memory_in_use(), 0, "though there is still a source");
        let late = world.client().map(|mut client| client.text().as_bytes().to_vec());
        if let Some(stored) = world.stored() {
            assert!(end == End::Complete && sent.len() as u64 <= max_object);
            assert!(declared.is_none_or(|declared| declared == sent.len() as u64));
            assert_eq!(stored, sent);
            assert_eq!(late, Some(sent));
        } else {
            assert_eq!(late, None);
        }
        let memory = Arc::clone(&world.memory);
        drop(world);
        assert_eq!(memory.memory_in_use(), 0, "nothing is given back twice");
    }
}
