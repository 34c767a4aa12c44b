//! Reads the services of all files, several at once where there are many.

use crate::config::check::Read;
use crate::config::known::KnownInputs;
use crate::config::problem::Findings;
use crate::config::service::{self, Context, Head};

/// Below this many services, threads cost more than they save.
const WORTH_THREADS: usize = 300;
const THREADS: usize = 2;

/// Reads all services, the problems in the order of the files.
pub fn read_services(findings: &mut Findings, context: &Context) -> Vec<Read> {
    let read = |start: usize, heads: &[Head]| {
        let mut findings = Findings::default();
        let mut known = KnownInputs::default();
        let mut services = Vec::with_capacity(heads.len());
        for (at, head) in (start as u32..).zip(heads) {
            let service = service::read(&mut findings, &mut known, context, head);
            services.extend(service.map(|service| (at, service)));
        }
        (findings, services)
    };
    let heads = &context.heads;
    if heads.len() < WORTH_THREADS {
        let (mut found, services) = read(0, heads);
        findings.0.append(&mut found.0);
        return services;
    }
    let size = heads.len().div_ceil(THREADS);
    let mut all = Vec::with_capacity(heads.len());
    std::thread::scope(|scope| {
        let parts: Vec<_> = heads
            .chunks(size)
            .enumerate()
            .map(|(part, heads)| scope.spawn(move || read(part * size, heads)))
            .collect();
        for part in parts {
            let part = part.join();
            let (mut found, mut services) =
                part.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            findings.0.append(&mut found.0);
            all.append(&mut services);
        }
    });
    all
}
