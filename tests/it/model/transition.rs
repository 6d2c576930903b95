//! What may happen, and how a sequence of it is thought up. Nothing has a precondition (a number stands for the nth of
//! what there is, counted around), so that every shorter sequence is one, too.

use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;
use reply_router::{
    engine::Failpoint,
    simulator::{Endpoint, Fault, SentFormat, SmtpFault, SmtpStep},
    store::Lane,
};

/// What is fixed for a sequence.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct InitialState {
    /// How many seconds a reply stays invisible.
    pub(crate) lag: u64,
    /// In what form it shows then.
    pub(crate) form: SentFormat,
    /// What leads wrote before the service ever ran.
    pub(crate) old: Vec<Topic>,
    /// The first poll is told that the inbox is empty.
    pub(crate) glitch: bool,
    /// The service knows that nobody else uses its key.
    pub(crate) alone: bool,
    /// What leads have written by the first poll that counts.
    pub(crate) letters: Vec<Topic>,
}

/// What a lead writes, or what a category stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    /// Answered at once, starred, forwarded everywhere, marked as read.
    Hot,
    /// Answered after three minutes, in the office's hours.
    Question,
    /// A draft waits for a person.
    Meeting,
    /// Answered with the same words to whomever.
    Thanks,
    /// The star is taken away.
    No,
    /// The lead wants no more mail.
    OptOut,
    /// A robot writes.
    Away,
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Transition {
    LeadStartsThread {
        lead: u8,
        topic: Topic,
    },
    LeadWrites {
        thread: u8,
        topic: Topic,
    },
    PersonAnswers {
        thread: u8,
    },
    /// ColdSend itself sends the campaign's next step, the same to every lead.
    SequenceSends {
        thread: u8,
    },
    /// The messages of one thread cannot be read any more; another one that could not can again.
    ThreadBreaks {
        thread: u8,
    },
    /// Every thread can be read again.
    ThreadsMend,
    CategoryChanges {
        thread: u8,
        topic: Topic,
    },
    StarToggled {
        thread: u8,
    },
    ThreadRead {
        thread: u8,
    },
    TimePasses {
        seconds: u32,
    },
    /// The service's clock alone is set, the world's goes on.
    ClockJumps {
        seconds: i32,
    },
    /// Polls and decides.
    Intake {
        moment: Option<Interruption>,
    },
    /// Carries out what is due.
    Runs {
        lane: Lane,
        moment: Option<Interruption>,
    },
    Approves {
        nth: u8,
        edited: bool,
    },
    Rejects {
        nth: u8,
    },
    Retries {
        nth: u8,
    },
    Resolves {
        nth: u8,
    },
    Pauses,
    Resumes,
    /// All of it, as the service does in a second or two.
    Round {
        moment: Option<Interruption>,
    },
    InjectFault(FaultSpec),
    Restarts,
}

impl Transition {
    /// The service has no part in it, so that nothing of what it promises can be broken by it alone.
    pub(crate) fn is_of_the_world(&self) -> bool {
        matches!(
            self,
            Self::LeadStartsThread { .. }
                | Self::LeadWrites { .. }
                | Self::PersonAnswers { .. }
                | Self::SequenceSends { .. }
                | Self::ThreadBreaks { .. }
                | Self::ThreadsMend
                | Self::CategoryChanges { .. }
                | Self::StarToggled { .. }
                | Self::ThreadRead { .. }
                | Self::TimePasses { .. }
                | Self::ClockJumps { .. }
                | Self::InjectFault(_)
        )
    }
}

/// Something that happens while the service works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interruption {
    pub(crate) step: Failpoint,
    /// At the how manieth time that the work stands there, from 0.
    pub(crate) nth: u8,
    pub(crate) what: Interrupt,
}

/// What happens at a moment, in the thread concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// The process dies.
    Crash,
    PersonAnswers,
    SequenceSends,
    LeadWrites(Topic),
    StarToggled,
    OperatorPauses,
}

/// What goes wrong at the next request of its kind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FaultSpec {
    Http(Endpoint, Fault),
    Smtp(SmtpStep, SmtpFault),
}

/// The machine that thinks up sequences.
pub(crate) struct SequenceStrategy;

impl ReferenceStateMachine for SequenceStrategy {
    type State = InitialState;
    type Transition = Transition;

    fn init_state() -> BoxedStrategy<InitialState> {
        let form = prop_oneof![
            3 => Just(SentFormat::Unchanged),
            1 => Just(SentFormat::Rewrapped(30)),
            1 => Just(SentFormat::HtmlOnly),
            1 => Just(SentFormat::WithSignature("Sam Seller\nAcme".to_owned())),
        ];
        let letters = prop::collection::vec(topic(), 1..=2);
        let old = prop::collection::vec(topic(), 0..=2);
        let chance = (prop::bool::weighted(0.2), any::<bool>());
        (prop_oneof![Just(0_u64), Just(30), Just(300)], form, letters, old, chance)
            .prop_map(|(lag, form, letters, old, (glitch, alone))| InitialState {
                lag,
                form,
                old,
                glitch,
                alone,
                letters,
            })
            .boxed()
    }

    fn transitions(_: &InitialState) -> BoxedStrategy<Transition> {
        transition().boxed()
    }

    fn apply(state: InitialState, _: &Transition) -> InitialState {
        state
    }
}

fn transition() -> impl Strategy<Value = Transition> {
    use Transition as T;
    let people = prop_oneof![
        12 => (0..3_u8, topic()).prop_map(|(lead, topic)| T::LeadStartsThread { lead, topic }),
        5 => (0..4_u8, topic()).prop_map(|(thread, topic)| T::LeadWrites { thread, topic }),
        1 => (0..4_u8).prop_map(|thread| T::PersonAnswers { thread }),
        2 => (0..4_u8).prop_map(|thread| T::SequenceSends { thread }),
        2 => (0..4_u8).prop_map(|thread| T::ThreadBreaks { thread }),
        1 => Just(T::ThreadsMend),
        3 => (0..4_u8, topic()).prop_map(|(thread, topic)| T::CategoryChanges { thread, topic }),
        2 => (0..4_u8).prop_map(|thread| T::StarToggled { thread }),
        1 => (0..4_u8).prop_map(|thread| T::ThreadRead { thread }),
        3 => (0..4_u8, any::<bool>()).prop_map(|(nth, edited)| T::Approves { nth, edited }),
        1 => (0..4_u8).prop_map(|nth| T::Rejects { nth }),
        1 => (0..4_u8).prop_map(|nth| T::Retries { nth }),
        2 => (0..4_u8).prop_map(|nth| T::Resolves { nth }),
        1 => Just(T::Pauses),
        2 => Just(T::Resumes),
    ];
    let service = prop_oneof![
        12 => moment(FLOWS).prop_map(|moment| T::Round { moment }),
        8 => moment(&INTAKE).prop_map(|moment| T::Intake { moment }),
        8 => moment(&EXECUTION).prop_map(|moment| T::Runs { lane: Lane::Api, moment }),
        4 => moment(&EXECUTION).prop_map(|moment| T::Runs { lane: Lane::Destinations, moment }),
        1 => Just(T::Restarts),
    ];
    let time = prop_oneof![
        4 => (1..20_u32).prop_map(|seconds| T::TimePasses { seconds }),
        4 => (20..1_000_u32).prop_map(|seconds| T::TimePasses { seconds }),
        2 => (1_000..200_000_u32).prop_map(|seconds| T::TimePasses { seconds }),
        1 => (-120..0_i32).prop_map(|seconds| T::ClockJumps { seconds }),
        1 => (1..900_000_i32).prop_map(|seconds| T::ClockJumps { seconds }),
    ];
    prop_oneof![8 => people, 11 => service, 4 => time, 5 => trouble().prop_map(T::InjectFault)]
}

/// The places at which intake can be held up.
const INTAKE: [Failpoint; 3] = [Failpoint::RowsQueued, Failpoint::Evaluated, Failpoint::DecisionWritten];
/// The places at which execution can.
const EXECUTION: [Failpoint; 5] = [
    Failpoint::GuardPassed,
    Failpoint::IntentWritten,
    Failpoint::ResponseReceived,
    Failpoint::OutcomeWritten,
    Failpoint::ReplyLookedUp,
];

/// Those of the flows: nobody is erased here.
const FLOWS: &[Failpoint] = Failpoint::ALL.split_at(Failpoint::ALL.len() - 1).0;

fn moment(steps: &'static [Failpoint]) -> impl Strategy<Value = Option<Interruption>> {
    let what = prop_oneof![
        4 => Just(Interrupt::Crash),
        1 => Just(Interrupt::PersonAnswers),
        1 => Just(Interrupt::SequenceSends),
        1 => topic().prop_map(Interrupt::LeadWrites),
        1 => Just(Interrupt::StarToggled),
        1 => Just(Interrupt::OperatorPauses),
    ];
    let nth = prop_oneof![3 => Just(0_u8), 1 => 1..4_u8];
    let moment =
        (prop::sample::select(steps), nth, what).prop_map(|(step, nth, what)| Interruption { step, nth, what });
    prop_oneof![1 => Just(None), 1 => moment.prop_map(Some)]
}

fn topic() -> impl Strategy<Value = Topic> {
    use Topic::{Away, Hot, Meeting, No, OptOut, Question, Thanks};
    prop_oneof![
        6 => Just(Hot), 3 => Just(Question), 3 => Just(Meeting), 2 => Just(Thanks), 2 => Just(No), 1 => Just(OptOut),
        1 => Just(Away),
    ]
}

fn trouble() -> impl Strategy<Value = FaultSpec> {
    // Whether a look was whole must show in the log, so reads are not cut short; and a thread that is not found is gone.
    let read = prop::sample::select(vec![Endpoint::List, Endpoint::Thread, Endpoint::Messages]);
    let unread = not_carried_out().prop_filter("gone", |fault| !matches!(fault, Fault::Status(404, _)));
    let write =
        prop::sample::select(vec![Endpoint::Reply, Endpoint::Reply, Endpoint::Reply, Endpoint::Star, Endpoint::Read]);
    let forward = prop::sample::select(vec![Endpoint::SlackWebhook, Endpoint::Webhook]);
    let step = prop::sample::select(vec![
        SmtpStep::Greeting,
        SmtpStep::MailFrom,
        SmtpStep::RcptTo,
        SmtpStep::Data,
        SmtpStep::EndOfData,
    ]);
    let smtp = prop_oneof![
        Just(SmtpFault::Close),
        Just(SmtpFault::CloseAfter),
        Just(SmtpFault::Code(421, "later".to_owned())),
        Just(SmtpFault::Code(451, "later".to_owned())),
        Just(SmtpFault::Code(550, "never".to_owned())),
    ];
    prop_oneof![
        2 => (read, unread).prop_map(|(endpoint, fault)| FaultSpec::Http(endpoint, fault)),
        9 => (write, any_fault()).prop_map(|(endpoint, fault)| FaultSpec::Http(endpoint, fault)),
        3 => (forward, any_fault()).prop_map(|(endpoint, fault)| FaultSpec::Http(endpoint, fault)),
        2 => (step, smtp).prop_map(|(step, fault)| FaultSpec::Smtp(step, fault)),
    ]
}

fn not_carried_out() -> impl Strategy<Value = Fault> {
    let status = prop::sample::select(vec![400, 401, 404, 422, 429, 500, 503]);
    prop_oneof![
        1 => Just(Fault::CloseBefore),
        2 => status.prop_map(refusal),
    ]
}

fn refusal(status: u16) -> Fault {
    let body = r#"{"detail":"trouble"}"#.to_owned();
    match status {
        // What else is under way waits in real time, as long as it is told to.
        429 => Fault::Respond { status, headers: vec![("retry-after".to_owned(), "1".to_owned())], body },
        status => Fault::Status(status, body),
    }
}

fn any_fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        4 => not_carried_out(),
        3 => Just(Fault::CloseAfter),
        1 => Just(Fault::Garbage2xx),
        1 => (0..160_usize).prop_map(Fault::TruncateAfter),
        1 => Just(Fault::StatusAfter(502, "bad gateway".to_owned())),
        1 => Just(Fault::Redirect(302, "/elsewhere".to_owned())),
    ]
}
