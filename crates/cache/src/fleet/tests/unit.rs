//! A node by itself: time, bounds, and what it sends.

use std::time::{Duration, Instant};

use crate::fleet::{
    AttachReply, AttachedBy, AttachmentId, Command, Epoch, Labels, Limits, LogEntry, Node, Numbers,
    PurgeReply, Subject, SyncReply,
};

const EPOCH: Epoch = Epoch(7);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn numbers(count: u64) -> Numbers {
    Numbers {
        epoch: EPOCH,
        count,
        floor: 0,
    }
}

fn commands(node: &mut Node) -> Vec<Command> {
    std::iter::from_fn(|| node.poll_command()).collect()
}

fn attachment(node: &mut Node) -> AttachmentId {
    match commands(node).as_slice() {
        [Command::Attach { attachment, .. }] => *attachment,
        other => panic!("{other:?}"),
    }
}

fn attach(node: &mut Node, now: Instant) -> AttachmentId {
    let attachment = attachment(node);
    let by = AttachedBy::Table(Vec::new());
    let reply = AttachReply {
        numbers: numbers(0),
        by,
    };
    node.attached(attachment, reply, now);
    attachment
}

fn attached(limits: Limits) -> (Node, AttachmentId, Instant) {
    let now = Instant::now();
    let mut node = Node::new(limits, now);
    let attachment = attach(&mut node, now);
    assert!(node.is_attached(now));
    (node, attachment, now)
}

fn synced(count: u64, log: Vec<LogEntry>) -> SyncReply {
    SyncReply {
        numbers: numbers(count),
        log,
    }
}

fn entry(count: u64, subjects: &[Subject]) -> LogEntry {
    LogEntry {
        count,
        subjects: subjects.to_vec(),
    }
}

fn is_sync(commands: &[Command]) -> bool {
    matches!(commands, [Command::Sync { .. }])
}

#[test]
fn the_log_is_read_every_50_ms_and_a_late_answer_is_a_lost_one() {
    let (mut node, attachment, start) = attached(Limits::default());
    node.tick(start + ms(49));
    assert!(commands(&mut node).is_empty());
    assert_eq!(node.next_tick(), start + ms(50));
    node.tick(start + ms(50));
    assert!(is_sync(&commands(&mut node)));
    node.synced(attachment, synced(0, Vec::new()), start + ms(99));
    assert_eq!(node.next_tick(), start + ms(100));
    node.tick(start + ms(100));
    assert!(is_sync(&commands(&mut node)));
    node.tick(start + ms(149));
    assert!(node.is_attached(start + ms(149)));
    node.tick(start + ms(150));
    assert!(!node.is_attached(start + ms(150)));
    assert!(node.begin_read(&[1], start + ms(150)).is_none());
    assert!(matches!(
        commands(&mut node).as_slice(),
        [Command::Attach {
            anew: false,
            known: Some((EPOCH, 0)),
            ..
        }]
    ));
}

#[test]
fn a_node_that_nobody_ticks_leaves_redis_alone_after_100_ms() {
    let (node, _, start) = attached(Limits::default());
    assert!(node.begin_read(&[1], start + ms(99)).is_some());
    assert!(node.begin_read(&[1], start + ms(100)).is_none());
}

#[test]
fn a_hint_reads_the_log_at_once_but_one_at_a_time() {
    let (mut node, attachment, start) = attached(Limits::default());
    node.hint(start);
    assert!(is_sync(&commands(&mut node)));
    node.hint(start);
    node.hint(start);
    assert!(commands(&mut node).is_empty());
    node.synced(attachment, synced(0, Vec::new()), start);
    assert!(is_sync(&commands(&mut node)));
    node.synced(attachment, synced(0, Vec::new()), start);
    assert!(commands(&mut node).is_empty());
}

#[test]
fn connections_that_fail_are_tried_again_after_longer_pauses() {
    let mut now = Instant::now();
    let mut node = Node::new(Limits::default(), now);
    let mut pauses = Vec::new();
    for _ in 0..7 {
        let attachment = attachment(&mut node);
        node.lost(attachment, now);
        // What is told twice counts once.
        node.lost(attachment, now);
        pauses.push((node.next_tick() - now).as_millis());
        now = node.next_tick();
        node.tick(now);
    }
    assert_eq!(pauses, [50, 50, 100, 200, 400, 800, 1000]);
    let attachment = attach(&mut node, now);
    node.lost(attachment, now);
    assert!(
        commands(&mut node).is_empty(),
        "it did not last until the log was read"
    );
    now = node.next_tick();
    node.tick(now);
    let attachment = attach(&mut node, now);
    node.hint(now);
    node.synced(attachment, synced(0, Vec::new()), now);
    commands(&mut node);
    node.lost(attachment, now);
    assert_eq!(
        commands(&mut node).len(),
        1,
        "one that did is made anew at once"
    );
}

#[test]
fn a_connection_that_takes_long_has_to_read_the_log_first() {
    let start = Instant::now();
    let mut node = Node::new(Limits::default(), start);
    let now = start + ms(300);
    let attachment = attach(&mut node, now);
    assert!(!node.is_attached(now));
    assert!(is_sync(&commands(&mut node)));
    node.synced(attachment, synced(0, Vec::new()), now);
    assert!(node.is_attached(now));
}

#[test]
fn purges_wait_for_their_reply_and_go_again_without_one() {
    let (mut node, attachment, start) = attached(Limits::default());
    let receipt = node.purge(vec![Subject::Group(1)], start);
    let sent = commands(&mut node);
    let [
        Command::Purge {
            ticket, subjects, ..
        },
    ] = sent.as_slice()
    else {
        panic!("{sent:?}");
    };
    assert_eq!(subjects, &[Subject::Group(1)]);
    assert!(!node.is_confirmed(&receipt));
    node.tick(start + ms(50));
    assert!(!node.is_attached(start + ms(50)));
    let reply = PurgeReply {
        epoch: EPOCH,
        count: 1,
    };
    node.purged(attachment, *ticket, reply, start + ms(50));
    assert!(!node.is_confirmed(&receipt), "it came too late");
    attach(&mut node, start + ms(50));
    let again = commands(&mut node);
    assert!(
        matches!(again.first(), Some(Command::Purge { .. })),
        "{again:?}"
    );
}

#[test]
fn commands_are_bounded_in_size_and_number() {
    let (mut node, attachment, now) = attached(Limits::default());
    let subjects: Vec<_> = (0..5000).map(Subject::Group).collect();
    let receipt = node.purge(subjects, now);
    let mut count = 0;
    let mut all = 0;
    loop {
        let sent = commands(&mut node);
        assert!(sent.len() <= 8);
        if sent.is_empty() {
            break;
        }
        for command in sent {
            let Command::Purge {
                ticket, subjects, ..
            } = command
            else {
                panic!("{command:?}");
            };
            assert!(subjects.len() <= 128);
            all += subjects.len();
            count += 1;
            let reply = PurgeReply {
                epoch: EPOCH,
                count,
            };
            node.purged(attachment, ticket, reply, now);
        }
    }
    assert_eq!(all, 5000);
    assert!(node.is_confirmed(&receipt));
}

#[test]
fn a_reply_that_tells_a_part_of_the_log_is_followed_by_another() {
    let (mut node, attachment, now) = attached(Limits::default());
    node.hint(now);
    commands(&mut node);
    let first = entry(1, &[Subject::Group(1)]);
    node.synced(attachment, synced(2, vec![first]), now);
    assert!(matches!(
        commands(&mut node).as_slice(),
        [Command::Sync { applied: 1, .. }]
    ));
    let third = entry(3, &[Subject::Group(1)]);
    node.synced(attachment, synced(3, vec![third]), now);
    assert!(!node.is_attached(now), "the second is missing");
}

#[test]
fn a_prefix_is_held_against_the_name() {
    let (mut node, _, now) = attached(Limits::default());
    let fetch = node.begin_fetch(&[1]);
    node.purge(vec![Subject::Prefix("user:1:".into())], now);
    let labels = |name| Labels {
        own: &[1],
        groups: &[],
        name,
    };
    assert_eq!(node.live(fetch.number(), &labels("user:1:GET x")), None);
    assert_eq!(
        node.live(fetch.number(), &labels("user:2:GET x")),
        Some(node.number())
    );
}

#[test]
fn full_tables_drop_more_and_never_less() {
    let limits = Limits {
        marks: 8,
        prefixes: 4,
        ..Limits::default()
    };
    let (mut node, attachment, now) = attached(limits);
    let fetch = node.begin_fetch(&[]);
    let mut count = 0;
    let subject = |index: u128| match index % 2 {
        0 => Subject::Group(index),
        _ => Subject::Prefix(format!("{index}/").into()),
    };
    for index in 0..100 {
        node.purge(vec![subject(index)], now);
        for command in commands(&mut node) {
            if let Command::Purge { ticket, .. } = command {
                count += 1;
                let reply = PurgeReply {
                    epoch: EPOCH,
                    count,
                };
                node.purged(attachment, ticket, reply, now);
            }
        }
        assert!(node.marks() <= 8);
    }
    for index in 0..100 {
        let name = format!("{index}/a");
        let labels = Labels {
            own: &[],
            groups: &[index],
            name: &name,
        };
        assert_eq!(node.live(fetch.number(), &labels), None, "{index}");
    }
    let labels = Labels {
        own: &[],
        groups: &[1000],
        name: "other",
    };
    assert_eq!(node.live(node.number(), &labels), Some(node.number()));
}

#[test]
fn confirmed_purges_are_sent_again_in_a_new_epoch_for_a_minute() {
    for (after, again) in [(59, true), (61, false)] {
        let (mut node, attachment, start) = attached(Limits::default());
        node.purge(vec![Subject::Group(1)], start);
        let Some(Command::Purge { ticket, .. }) = node.poll_command() else {
            panic!("it is sent");
        };
        let reply = PurgeReply {
            epoch: EPOCH,
            count: 1,
        };
        node.purged(attachment, ticket, reply, start);
        node.lost(attachment, start);
        let attachment = self::attachment(&mut node);
        let reply = AttachReply {
            numbers: Numbers {
                epoch: Epoch(8),
                count: 0,
                floor: 0,
            },
            by: AttachedBy::Table(Vec::new()),
        };
        let now = start + Duration::from_secs(after);
        // The driver gives a connection its time.
        node.attached(attachment, reply, now);
        let sent = commands(&mut node);
        let resent = sent
            .iter()
            .any(|command| matches!(command, Command::Purge { .. }));
        assert_eq!(resent, again, "after {after} s: {sent:?}");
    }
}
