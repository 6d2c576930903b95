//! How long a reply takes from the list's response to its own request, when one thread comes at a time.

use super::{
    Bench, inbox,
    observed::{Kind, Start, between, kind},
    service::Service,
    simulator,
};
use reply_router::simulator::Inbox;
use std::time::{Duration, Instant};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Arguments {
    /// Threads, one at a time.
    #[arg(long, default_value_t = 50)]
    arrivals: usize,
    /// How long the API takes for a request.
    #[arg(long, default_value = "0", value_parser = super::parse_latency)]
    latency: Duration,
}

pub(crate) async fn measure(bench: &Bench, arguments: &Arguments) {
    println!("{} threads, one at a time, {} ms latency", arguments.arrivals, arguments.latency.as_millis());
    println!("{:>8} {:>8} {:>8} {:>8}  requests before the reply  program", "p50 ms", "p99 ms", "max ms", "CPU ms");
    for program in &bench.programs {
        let folder = bench.folder();
        let simulator = simulator(arguments.latency, Inbox::Empty).await;
        let mut service = Service::start(program, folder.path(), &simulator, 1);
        bench.warm_up(&mut service, &simulator).await;
        let (mut delays, mut between_them) = (Vec::new(), 0);
        let cpu = service.usage().cpu;
        for number in 0..arguments.arrivals {
            let start = Start::now(&simulator);
            simulator.workspace().add_thread(inbox::hot_thread(number));
            let began = Instant::now();
            while !start.requests(&simulator).are_complete(1) {
                assert!(began.elapsed() < Duration::from_secs(30), "no reply");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            start.inspect(&simulator, |requests| {
                let reply = requests.iter().position(|request| kind(request) == Kind::Reply).unwrap();
                // The last page before the reply is the one that the thread was found on.
                let page = requests[..reply].iter().rposition(|request| kind(request) == Kind::List).unwrap();
                delays.push(between(requests[page].responded_at.unwrap(), requests[reply].at));
                between_them += reply - page - 1;
            });
            // Another part of the poll's second for each.
            tokio::time::sleep(Duration::from_millis(20 * (number as u64 % 50))).await;
        }
        let cpu = service.usage().cpu.saturating_sub(cpu);
        delays.sort();
        let ms = |delay: Duration| delay.as_secs_f64() * 1_000.0;
        let at = |percent: usize| ms(delays[(delays.len() * percent / 100).min(delays.len() - 1)]);
        println!(
            "{:>8.1} {:>8.1} {:>8.1} {:>8.1}  {:>25.2}  {}",
            at(50),
            at(99),
            at(100),
            ms(cpu) / arguments.arrivals as f64,
            between_them as f64 / arguments.arrivals as f64,
            program.display()
        );
        assert!(service.stop());
        simulator.shutdown().await;
    }
}
