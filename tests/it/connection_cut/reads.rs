//! What only reads: the list, messages for a decision, for the guard and for a look, a thread for its star.

use super::{Cut, CutFixture, CutStats, every_byte};
use reply_router::simulator::Endpoint;
use reply_router::{model::ActionKind, simulator::Fault};

/// So many cuts hit the way of one lead's message to what is done about it.
const EACH: usize = 50;

/// Which read is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Read {
    List,
    Decision,
    Guard,
    Look,
    Star,
}

impl Read {
    fn kind(self) -> ActionKind {
        if self == Self::Star { ActionKind::Star } else { ActionKind::Reply }
    }

    fn endpoint(self) -> Endpoint {
        match self {
            Self::List => Endpoint::List,
            Self::Decision | Self::Guard | Self::Look => Endpoint::Messages,
            Self::Star => Endpoint::Thread,
        }
    }

    fn rules(self) -> &'static str {
        macro_rules! only {
            ($action:literal) => {
                concat!("version: 1\nrules: [{ name: only, when: { category: interested }, then: [", $action, "] }]\n")
            };
        }
        match self {
            Self::List | Self::Decision | Self::Look => only!("{ reply: { text: Hello. } }"),
            // What was read for the decision is too old by then.
            Self::Guard => only!("{ reply: { text: Hello., after: 2m } }"),
            Self::Star => only!("{ star: { after: 2m } }"),
        }
    }

    /// Brings a lead so far that the read comes next.
    async fn prepare(self, field: &mut CutFixture) {
        field.leads(1);
        if self == Self::List {
            return;
        }
        assert!(field.poll().await);
        if self == Self::Decision {
            return;
        }
        assert!(field.decide().await);
        if self == Self::Look {
            // Every other reply was accepted.
            let fault = if field.figures.leads.is_multiple_of(2) { Fault::CloseAfter } else { Fault::CloseBefore };
            field.fixture.simulator.faults().next(Endpoint::Reply, 1, fault);
        }
        // What is to wait looks at its time, and waits.
        field.fixture.run_due().await;
    }

    async fn attempt(self, field: &CutFixture) {
        match self {
            Self::List => _ = field.poll().await,
            Self::Decision => {
                // A thread that could not be read is left alone for an hour at most.
                field.fixture.clock.advance(std::time::Duration::from_secs(3_600));
                field.decide().await;
            }
            Self::Guard | Self::Look | Self::Star => _ = field.step().await,
        }
    }

    /// How long the read and its answer are.
    async fn length(self) -> (usize, usize) {
        let (mut field, doors) = CutFixture::behind_doors(self.kind(), self.rules()).await;
        self.prepare(&mut field).await;
        doors[0].take_byte_counts();
        match self {
            // Without the write that follows.
            Self::Guard | Self::Star => {
                let thread = field.threads[0].clone();
                let client = field.fixture.workspace().client();
                let priority = reply_router::coldsend::Priority::Read;
                match self {
                    Self::Star => drop(client.thread(&thread, priority).await.unwrap()),
                    _ => drop(client.conversation(&thread, priority).await.unwrap()),
                }
            }
            _ => self.attempt(&field).await,
        }
        doors[0].take_byte_counts()
    }
}

async fn cut_reads(read: Read) -> CutStats {
    let mut field = CutFixture::new(read.kind(), read.rules()).await;
    for direction in every_byte(read.length().await) {
        for cuts in direction.chunks(EACH) {
            read.prepare(&mut field).await;
            let faults = field.fixture.simulator.faults();
            if matches!(cuts, [Cut::Request(_), ..]) {
                // Without a connection that stands, the next read opens one.
                faults.next(read.endpoint(), 1, Fault::CloseBefore);
            }
            // Twice each: a read whose connection breaks is made once more.
            cuts.iter().for_each(|cut| [cut, cut].map(|cut| field.cut(&read.endpoint(), *cut)).into_iter().collect());
            field.figures.cuts += 2 * cuts.len();
            loop {
                let left = faults.pending();
                read.attempt(&field).await;
                if faults.pending() == left {
                    break;
                }
            }
            // The last one may fall behind the last byte: then the read went well, and nothing is left to be read.
            assert!(faults.pending() <= 1, "{} of {cuts:?} hit nothing", faults.pending());
            faults.clear();
            field.settle().await;
        }
    }
    let figures = field.finish().await;
    figures.show(&format!("read: {read:?}"));
    figures
}

#[tokio::test]
async fn list() {
    let figures = cut_reads(Read::List).await;
    assert_eq!((figures.done, figures.repeated), (figures.leads, 0));
}

#[tokio::test]
async fn messages_for_a_decision() {
    let figures = cut_reads(Read::Decision).await;
    assert_eq!((figures.done, figures.repeated), (figures.leads, 0));
}

#[tokio::test]
async fn messages_for_the_guard() {
    let figures = cut_reads(Read::Guard).await;
    assert_eq!((figures.done, figures.repeated), (figures.leads, 0));
}

#[tokio::test]
async fn messages_for_a_look() {
    let figures = cut_reads(Read::Look).await;
    assert_eq!((figures.done, figures.repeated), (figures.effects, 0));
    assert_eq!(figures.quarantined, figures.leads - figures.effects);
}

#[tokio::test]
async fn thread() {
    let figures = cut_reads(Read::Star).await;
    assert_eq!((figures.done, figures.effects), (figures.leads, figures.leads));
}
