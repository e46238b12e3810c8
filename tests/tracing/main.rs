//! Spans: one per batch, and in it one per operator.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use forebay::stream::StreamingContext;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Writes down what is entered, left and recorded.
#[derive(Clone, Default)]
struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    spans: Arc<AtomicU64>,
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0 += &format!(" {field}={value:?}");
    }
}

impl Log {
    fn write(&self, head: &str, visit: impl FnOnce(&mut Line)) {
        let mut line = Line(head.to_string());
        visit(&mut line);
        self.lines.lock().unwrap().push(line.0);
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("forebay")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.write(span.metadata().name(), |line| span.record(line));
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        self.write("record", |line| values.record(line));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.write("event", |line| event.record(line));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, id: &Id) {
        self.write(&format!("exit {}", id.into_u64()), |_| ());
    }
}

/// One test at a time: which spans anybody listens to is remembered for all threads.
static TURN: Mutex<()> = Mutex::new(());

#[test]
fn a_batch_is_a_span_around_those_of_its_operators() {
    let _turn = TURN.lock().unwrap();
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || {
        let builder = StreamingContext::builder("test").threads(1).partitions(1);
        let ctx = builder.build().unwrap();
        let numbers = ctx.batches([vec![1, 2]]).named("numbers");
        numbers.count().for_each_batch(|_, _| Err("full".into()));
        ctx.into_driver().unwrap().run_to_end().unwrap_err();
    });
    let expected = [
        "batch time=1000",
        "operator name=\"numbers\"",
        "exit 2",
        "operator name=\"count-1\"",
        "exit 3",
        "operator name=\"for_each_batch-2\"",
        "exit 4",
        "record items=2",
        "record retries=0",
        "event message=the batch has failed error=operator for_each_batch-2 failed in the batch of 1000 ms: full",
        "exit 1",
    ];
    assert_eq!(*log.lines.lock().unwrap(), expected);
}

#[test]
fn recovery_says_what_it_goes_on_from_and_what_it_has_passed_over() {
    use forebay::stream::{BoxError, Driver, Every};
    let _turn = TURN.lock().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let open = || -> Result<Driver, BoxError> {
        let ctx = StreamingContext::recover_or(directory.path(), || {
            let builder = StreamingContext::builder("test").threads(1);
            let builder = builder.checkpoint(directory.path(), Every::batches(1));
            let ctx = builder.build()?;
            ctx.batches([vec![1], vec![2]])
                .for_each_batch(|_, _| Ok(()));
            Ok::<_, BoxError>(ctx)
        })?;
        Ok(ctx.into_driver()?)
    };
    let events = |log: &Log| {
        let lines = log.lines.lock().unwrap();
        let events = lines.iter().filter(|line| line.starts_with("event"));
        events.cloned().collect::<Vec<_>>()
    };
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || open().unwrap().run_to_end().unwrap());
    let first = events(&log);
    assert_eq!(first.len(), 3);
    assert_eq!(
        first[0],
        "event message=there is no checkpoint: the stream starts from the beginning"
    );
    assert!(first[1].starts_with("event message=a checkpoint is durable time=1000 keys=0"));
    assert!(first[2].starts_with("event message=a checkpoint is durable time=2000 keys=0"));

    let path = |time| directory.path().join(format!("batch-{time:020}"));
    std::fs::write(path(2_000).join("manifest"), "nothing").unwrap();
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || drop(open().unwrap()));
    let (newest, older) = (path(2_000), path(1_000));
    let (newest, older) = (newest.display(), older.display());
    let expected = [
        format!(
            "event message=a checkpoint was passed over path={newest} \
             reason={newest}/manifest is damaged: it is too short"
        ),
        format!("event message=the stream resumes from a checkpoint time=1000 path={older}"),
    ];
    assert_eq!(events(&log), expected);
}
