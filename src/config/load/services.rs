//! Reads the services of all files, several at once where there are many.

use crate::config::check::Read;
use crate::config::known::KnownInputs;
use crate::config::load::parts::in_parts;
use crate::config::problem::Findings;
use crate::config::service::{self, Context, Head};

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
    let mut all = Vec::with_capacity(context.heads.len());
    for (mut found, mut services) in in_parts(&context.heads, read) {
        findings.0.append(&mut found.0);
        all.append(&mut services);
    }
    all
}
