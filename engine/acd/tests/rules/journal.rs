//! What the journal holds can be read for ever: bytes of every kind of input, as the first release wrote them.

use acd::config::{
    AgentConfig, Assignment, PersonalConfig, Relaxation, ServiceAction, ServiceStep, Skill,
    Strategy, WhenNobody, WrapUp,
};
use acd::{
    Acd, AcdConfig, AgentChange, AgentId, AlertEnd, BreakReason, Device, Enqueue, EntryKind,
    Incarnation, Input, InteractionId, MatchId, Presence, QueueId, SkillId, Target, Tier,
};

use crate::centre::{Centre, millis, queue, secs, to};

fn agent_changed(change: AgentChange) -> Input {
    let agent = AgentId(9);
    Input::AgentChanged { agent, change }
}

fn alert_ended(end: AlertEnd) -> Input {
    let match_id = MatchId(1 << 33);
    Input::AlertEnded { match_id, end }
}

fn config() -> Box<AcdConfig> {
    Box::new(AcdConfig {
        queues: vec![queue(1)],
        agents: vec![AgentConfig {
            id: AgentId(9),
            queues: vec![Assignment {
                weight: 0,
                ..Assignment::to(QueueId(1))
            }],
            direct_call_priority: 5,
            personal: PersonalConfig {
                ring_timeout: secs(20),
                max_wait: secs(60),
                wrap_up: WrapUp::Manual,
                max_no_answer: 1,
                device_retry: secs(5),
            },
            skills: Vec::new(),
        }],
    })
}

fn enqueue(to: Target) -> Input {
    Input::Enqueue(Enqueue {
        interaction: InteractionId(1000),
        to,
        tier: Tier::Urgent,
        priority: -3,
        arrival: millis(1_500),
        kind: EntryKind::Recall,
        service_acted: false,
        sticky: None,
    })
}

#[test]
fn i8_every_input_is_read_as_the_first_release_wrote_it() {
    let queue = QueueId(7);
    let interaction = InteractionId(1000);
    let match_id = MatchId(1 << 33);
    let device = Device::Trunk;
    let refused = |since_own_bye| AlertEnd::Refused {
        status: 486,
        since_own_bye,
    };
    let incarnation = Incarnation {
        epoch: 4,
        node: 2,
        number: 3,
    };
    let coffee = Presence::Break(BreakReason::new("coffee"));
    let cases = [
        (Input::Timeout, "820080"),
        (
            Input::ConfigChanged(config()),
            "82018182818d01001a00989680001a01312d001a00e4e1c0011a004c4b40820081000000001a07270e0081840981810105851a01312d001a03938700820180011a004c4b40",
        ),
        (Input::Restarted(incarnation), "82028183040203"),
        (Input::QueueOpened { queue }, "82038107"),
        (Input::QueueClosed { queue }, "82048107"),
        (
            enqueue(Target::Queue(queue)),
            "820581861903e88200810700221a0016e36002",
        ),
        (
            enqueue(Target::Personal(AgentId(9))),
            "820581861903e88201810900221a0016e36002",
        ),
        (Input::Leave { interaction }, "8206811903e8"),
        (Input::InteractionEnded { interaction }, "8207811903e8"),
        (Input::AlertRinging { match_id }, "8208811b0000000200000000"),
        (
            alert_ended(AlertEnd::Accepted),
            "8209821b0000000200000000820080",
        ),
        (
            alert_ended(AlertEnd::Rejected),
            "8209821b0000000200000000820180",
        ),
        (
            alert_ended(refused(None)),
            "8209821b00000002000000008202811901e6",
        ),
        (
            alert_ended(refused(Some(millis(120)))),
            "8209821b00000002000000008202821901e61a0001d4c0",
        ),
        (
            alert_ended(AlertEnd::NoProvisional),
            "8209821b0000000200000000820380",
        ),
        (
            alert_ended(AlertEnd::NoBinding),
            "8209821b0000000200000000820480",
        ),
        (
            agent_changed(AgentChange::Login { device }),
            "820a820982008102",
        ),
        (
            agent_changed(AgentChange::Presence(coffee)),
            "820a820982018182028166636f66666565",
        ),
        (
            agent_changed(AgentChange::Presence(Presence::Offline)),
            "820a8209820181820080",
        ),
        (
            agent_changed(AgentChange::Device(Device::Registered)),
            "820a820982028101",
        ),
        (
            agent_changed(AgentChange::OwnCalls { count: 2 }),
            "820a820982038102",
        ),
        (agent_changed(AgentChange::WrapUpEnded), "820a8209820480"),
        (
            agent_changed(AgentChange::WrapUpExtended { by: secs(30) }),
            "820a82098205811a01c9c380",
        ),
        (Input::DailyReset, "820b80"),
        (
            Input::PickUp {
                interaction,
                agent: AgentId(9),
                supervises: true,
            },
            "820c831903e809f5",
        ),
        (
            Input::Reserve {
                interaction,
                agent: AgentId(9),
            },
            "820d821903e809",
        ),
        (
            Input::Release {
                interaction,
                agent: AgentId(9),
                supervises: false,
            },
            "820e831903e809f4",
        ),
        (
            Input::Rerank {
                interaction,
                tier: Some(Tier::Low),
                priority: None,
            },
            "820f821903e802",
        ),
        (
            agent_changed(AgentChange::QueueJoined {
                queue,
                joined: false,
            }),
            "820a820982068207f4",
        ),
    ];
    for (input, hex) in cases {
        assert_eq!(read(hex), input, "{hex}");
        let has_grown = matches!(input, Input::ConfigChanged(_) | Input::Enqueue(_));
        assert!(has_grown || written(&input) == hex, "{input:?}");
        assert_eq!(read(&written(&input)), input);
    }
}

fn read(hex: &str) -> Input {
    let digits = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(digits).collect();
    minicbor::decode(&bytes).unwrap()
}

fn written(input: &Input) -> String {
    let bytes = minicbor::to_vec(input).unwrap();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn i8_what_a_queue_says_of_leaving_is_read_as_the_second_release_wrote_it() {
    let mut config = config();
    let queue = &mut config.queues[0];
    queue.max_wait = secs(600);
    queue.nobody_after = secs(30);
    queue.when_nobody = WhenNobody::Go;
    let cases = [
        (
            ServiceStep::Raise(5),
            "82018182819101001a00989680001a01312d001a00e4e1c0011a004c4b40820081000000001a07270e001a23c346001a01c9c38001821a01312d008200810581840981810105851a01312d001a03938700820180011a004c4b40",
        ),
        (
            ServiceStep::Notify,
            "82018182819101001a00989680001a01312d001a00e4e1c0011a004c4b40820081000000001a07270e001a23c346001a01c9c38001821a01312d0082018081840981810105851a01312d001a03938700820180011a004c4b40",
        ),
        (
            ServiceStep::Go,
            "82018182819101001a00989680001a01312d001a00e4e1c0011a004c4b40820081000000001a07270e001a23c346001a01c9c38001821a01312d0082028081840981810105851a01312d001a03938700820180011a004c4b40",
        ),
    ];
    for (step, hex) in cases {
        let after = secs(20);
        config.queues[0].service_action = Some(ServiceAction { after, step });
        let input = Input::ConfigChanged(config.clone());
        assert_eq!(read(hex), input, "{step:?}");
    }
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

#[test]
fn i8_a_centre_of_before_there_were_reservations_is_read() {
    let bytes = bytes_of(
        "82018182818c01001a00989680001a01312d001a00e4e1c0011a004c4b408200810000000081840981810105851a01312d001a03938700820180011a004c4b40",
    );
    let mut expected = config();
    expected.queues[0].reservation_limit = secs(0);
    let read: Input = minicbor::decode(&bytes).unwrap();
    assert_eq!(read, Input::ConfigChanged(expected));
}

#[test]
fn i8_a_checkpoint_of_before_there_were_strategies_goes_on() {
    // One queue; 1 talks with agent 1, 2 rings at agent 2, 3 waits.
    let bytes = bytes_of(
        "820186830501011b0040000100000002a101849001001a00989680001a01312d001a00e4e1c0011a004c4b40820081000000001a07270e000000\
         00f5f6f4a2018e840181810100851a01312d001a0393870082008100011a004c4b40f4820180f6840100f60000f68101f61b000000e8d4b45240\
         008601010000000087820180f6820281011b000000e8d55c2b0001008080028e840281810100851a01312d001a0393870082008100011a004c4b\
         40f4820180f6840100f60000821b00400001000000010280f61b000000e8d4c39480008601000000000087820180f68201821b00400001000000\
         01021b000000e8d53da66801008080a30193018200810101001b000000e8d53da6801b000000e8d53da68084011b000000e8d53da6801b000000\
         e8d53da680018202821b004000010000000001a0f6f6f680f61b000000e8d53da680f6f4f6f40293028200810101001b000000e8d53da6801b00\
         0000e8d53da68084011b000000e8d53da6801b000000e8d53da680028201821b004000010000000102a0f6f6f680f61b000000e8d53da680f6f4\
         f6f40393038200810101001b000000e8d53da6801b000000e8d53da68084011b000000e8d53da6801b000000e8d53da68003820080a0f6f6f680\
         f61b000000e8d53da680f6f4f6f4a11b0040000100000001860202820081011b000000e8d66ed380f4f4",
    );
    let mut centre = Centre::new(2);
    centre.acd = Acd::decode(&bytes).unwrap();
    assert!(centre.acd.is_consistent());
    centre.now = secs(1_000_013);
    centre.ends(1);
    assert_eq!(centre.new_alerts(), [(3, 1)]);
    centre.config.queues[0].strategy = Strategy::WeightedRandom;
    centre.apply();
    centre.comes(4, to(1));
    centre.leaves(3);
    assert_eq!(centre.new_alerts(), [(4, 1)]);
    assert!(centre.acd.is_consistent());
}

#[test]
fn i8_a_queue_that_chooses_is_read_as_the_third_release_wrote_it() {
    let mut config = config();
    let skill = |skill, level| Skill {
        skill: SkillId(skill),
        level,
    };
    let queue = &mut config.queues[0];
    queue.strategy = Strategy::RingAll;
    queue.skills = vec![skill(4, 3)];
    queue.relax = vec![Relaxation {
        after: secs(30),
        skills: vec![skill(4, 1)],
    }];
    queue.max_busy = 6;
    config.agents[0].skills = vec![skill(4, 2)];
    config.agents[0].queues[0] = Assignment {
        queue: QueueId(1),
        order: 2,
        level: 3,
        weight: 5,
        delay: secs(20),
    };
    let input = Input::ConfigChanged(config);
    let hex = "82018182819401001a00989680071a01312d001a00e4e1c0011a004c4b40820081000000001a07270e00000000f68182040381821a01c9c38081820401068185098185010203051a01312d0005851a01312d001a03938700820180011a004c4b4081820402";
    assert_eq!(read(hex), input);
}

#[test]
fn i8_a_queue_that_requires_codes_is_read_as_the_fourth_release_wrote_it() {
    let mut config = config();
    config.queues[0].code_required = true;
    let input = Input::ConfigChanged(config);
    let hex = written(&input);
    assert!(hex.starts_with("820181828195"), "one field more: {hex}");
    assert_eq!(read(&hex), input);
    let interaction = InteractionId(1000);
    let cases = [
        (AgentChange::Coded { interaction }, "820a82098207811903e8"),
        (AgentChange::WrapUpCutShort, "820a8209820880"),
    ];
    for (change, hex) in cases {
        let input = agent_changed(change);
        assert_eq!((written(&input), read(hex)), (hex.to_owned(), input));
    }
}

#[test]
fn i8_fields_of_a_later_release_are_passed_over() {
    let leave = minicbor::to_vec(Input::Leave {
        interaction: InteractionId(5),
    });
    assert_eq!(leave.unwrap(), [0x82, 6, 0x81, 5]);
    let with_more = [0x82, 6, 0x83, 5, 0x01, 0x61, b'x'];
    let expected = Input::Leave {
        interaction: InteractionId(5),
    };
    assert_eq!(minicbor::decode::<Input>(&with_more).unwrap(), expected);
}

#[test]
fn i8_a_checkpoint_keeps_who_may_not_be_alerted_and_for_how_long() {
    let mut centre = Centre::staffed(2);
    centre.with_queue(1, |queue| queue.max_no_answer = 0);
    centre.comes(1, to(1));
    centre.answers(1, AlertEnd::Rejected);
    centre.run(secs(20));
    assert_eq!(centre.new_alerts(), [(1, 1), (1, 2)]);
    centre.acd = Acd::decode(&centre.acd.encode()).unwrap();
    centre.run(secs(14));
    assert_eq!(centre.alerts(), []);
    centre.run(secs(1));
    assert_eq!(centre.alerts(), [(1, 2)], "not the one who rejected it");
}

#[test]
fn i8_times_finer_than_the_journal_decide_nothing() {
    let mut centre = Centre::new(1);
    let visit = |id, arrival| {
        Input::Enqueue(Enqueue {
            interaction: InteractionId(id),
            to: Target::Queue(QueueId(1)),
            tier: Tier::Normal,
            priority: 0,
            arrival,
            kind: EntryKind::New,
            service_acted: false,
            sticky: None,
        })
    };
    let nanos = std::time::Duration::from_nanos;
    centre.input(visit(1, secs(9) + nanos(900)));
    centre.input(visit(2, secs(9) + nanos(100)));
    assert_eq!(centre.waiting(1), [1, 2], "one microsecond: by id");
}
