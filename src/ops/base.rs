//! What the head is compared with: a flag, `SVC_BASE`, what the CI system says, the default branch. Never a guess.

use crate::git::base::{default_branch, remote_head};
use crate::git::{self, BaseRule, FoundBase, Repo};
use crate::model::change::{Base, Head};
use crate::model::ci::{Ci, CiBase, Trigger};
use crate::model::workspace::Workspace;
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::ops::request::BaseRequest;

/// The base, and what there is to say of the way to it.
pub struct Based {
    pub found: FoundBase,
    /// Whether there is none because the run is of a kind that is compared with nothing.
    pub is_for_everything: bool,
    /// What is worth a warning.
    pub warnings: Vec<String>,
    /// What is told to who wants to know everything.
    pub details: Vec<String>,
}

/// Finds the base that a request asks for.
///
/// # Errors
/// An unreadable repository.
pub fn find(
    place: &Place,
    repo: &Repo,
    request: &BaseRequest,
    head: Head,
    workspace: &Workspace,
    tell: &mut dyn FnMut(&str),
) -> Result<Based, Failure> {
    let mut based = Based {
        found: FoundBase::Unknown {
            reason: "this CI system names no base; set SVC_BASE or give --base".to_owned(),
        },
        is_for_everything: false,
        warnings: Vec::new(),
        details: Vec::new(),
    };
    let configured = workspace.settings().default_branch.clone();
    let rule = match (request, place.env.text("SVC_BASE")) {
        (BaseRequest::Known(base), _) => {
            based.found = FoundBase::Found(base.clone());
            return Ok(based);
        }
        (BaseRequest::Exact(revision), _) => exact(revision),
        (BaseRequest::MergeBase(revision), _) => merge_base(revision, ""),
        (BaseRequest::Derived, Some(revision)) => merge_base(revision, "SVC_BASE"),
        (BaseRequest::Derived, None) => match place.ci().filter(|_| place.env.is_ci()) {
            Some(ci) => {
                let mut run = Run::new(repo, ci, head, configured)?;
                based.found = run.base(tell)?;
                based.is_for_everything = run.is_for_everything;
                based.warnings.clone_from(&ci.notes);
                based.details = run.told;
                return Ok(based);
            }
            None if place.env.is_ci() => return Ok(based),
            None => BaseRule::DefaultBranch { configured },
        },
    };
    based.found = look(repo, rule, head, tell)?;
    Ok(based)
}

/// Whether the commit that is checked out is the one that the run is for.
///
/// # Errors
/// An unreadable repository.
pub fn is_of_run(repo: &Repo, ci: &Ci, head: Head) -> Result<bool, Failure> {
    let Some(wanted) = &ci.head else {
        return Ok(false);
    };
    let wanted = repo.resolve(wanted)?;
    Ok(wanted.is_some() && wanted == head.commit())
}

/// A run in CI, as far as its base depends on it.
struct Run<'a> {
    repo: &'a Repo,
    ci: &'a Ci,
    head: Head,
    is_of_run: bool,
    /// The default branch, as the definition, this clone or the system names it.
    default: Option<String>,
    told: Vec<String>,
    is_for_everything: bool,
}

impl<'a> Run<'a> {
    fn new(
        repo: &'a Repo,
        ci: &'a Ci,
        head: Head,
        configured: Option<String>,
    ) -> Result<Self, Failure> {
        let mut told = vec![format!("this is {}, {}", ci.system, ci.subject())];
        if !ci.also.is_empty() {
            let others: Vec<_> = ci.also.iter().map(|it| it.name()).collect();
            told.push(format!(
                "variables of {} are set as well: {} is the more specific, so it is believed",
                others.join(" and "),
                ci.system
            ));
        }
        let default = match configured {
            Some(name) => Some(name),
            None => remote_head(repo)?.or_else(|| ci.default_branch.clone()),
        };
        Ok(Self {
            repo,
            ci,
            head,
            is_of_run: is_of_run(repo, ci, head)?,
            default,
            told,
            is_for_everything: false,
        })
    }

    /// The first base that can be had.
    fn base(&mut self, tell: &mut dyn FnMut(&str)) -> Result<FoundBase, Failure> {
        let mut reasons = Vec::new();
        for base in &self.ci.bases {
            match self.attempt(base, tell)? {
                Ok(base) => {
                    self.told.extend(reasons);
                    return Ok(FoundBase::Found(base));
                }
                Err(reason) => reasons.push(reason),
            }
        }
        if reasons.is_empty() {
            reasons.push(self.nothing_before());
        }
        // Nobody expects a nightly run to be for a change; elsewhere a base that is missing is worth a warning.
        let is_at_once = matches!(
            self.ci.trigger,
            Trigger::Schedule | Trigger::Tag | Trigger::Manual
        );
        self.is_for_everything = is_at_once && reasons == [self.nothing_before()];
        let reason = reasons.join("; ");
        Ok(FoundBase::Unknown { reason })
    }

    /// One base, or why it is none.
    fn attempt(
        &self,
        base: &CiBase,
        tell: &mut dyn FnMut(&str),
    ) -> Result<Result<Base, String>, Failure> {
        let system = self.ci.system;
        let (rule, why) = match base {
            CiBase::Exact { commit, why } => (exact(commit), why),
            CiBase::MergeBase { commit, why } => (merge_base(commit, ""), why),
            CiBase::FirstParent { merged, why } => {
                if merged.is_none() && !self.is_of_run {
                    return Ok(Err(format!(
                        "what is checked out is not known to be the merge with the {why}"
                    )));
                }
                let merged = merged.clone();
                (BaseRule::FirstParent { merged }, why)
            }
            CiBase::Branch { name, why } => (BaseRule::Branch { name: name.clone() }, why),
            CiBase::DefaultBranch => return self.default_branch(tell),
        };
        Ok(match look(self.repo, rule, self.head, tell)? {
            FoundBase::Unknown { reason } => Err(format!("the {why}: {reason}")),
            FoundBase::Found(found) if self.is_head(&found) => {
                Err(format!("the {why} holds what is checked out already"))
            }
            FoundBase::Found(mut found) => {
                found.rule = match base {
                    CiBase::Branch { .. } => format!("{}, the {why}, {system}", found.rule),
                    CiBase::MergeBase { .. } => format!("merge-base with the {why}, {system}"),
                    _ => format!("the {why}, {system}"),
                };
                Ok(found)
            }
        })
    }

    fn default_branch(&self, tell: &mut dyn FnMut(&str)) -> Result<Result<Base, String>, Failure> {
        let known = default_branch(self.repo, self.default.as_deref())?;
        let name = known.map(|it| it.name).or_else(|| self.default.clone());
        if self.is_of_run && name.is_some() && name == self.ci.branch {
            return Ok(Err(self.nothing_before()));
        }
        let rule = BaseRule::DefaultBranch {
            configured: self.default.clone(),
        };
        Ok(match look(self.repo, rule, self.head, tell)? {
            FoundBase::Unknown { reason } => Err(reason),
            FoundBase::Found(found) if self.is_head(&found) => {
                Err("the default branch holds what is checked out already".to_owned())
            }
            FoundBase::Found(mut found) => {
                found.rule = format!("{}, {}", found.rule, self.ci.system);
                Ok(found)
            }
        })
    }

    /// The default branch is compared with nothing but an earlier state of itself, a tag or a scheduled run with nothing.
    fn nothing_before(&self) -> String {
        format!(
            "{} names no earlier commit for {}; set SVC_BASE or give --base",
            self.ci.system,
            self.ci.subject()
        )
    }

    /// A commit says nothing of what changed in itself, such as that of a run that is repeated.
    fn is_head(&self, base: &Base) -> bool {
        matches!(self.head, Head::Commit(Some(head)) if base.commits == [head])
    }
}

fn look(
    repo: &Repo,
    rule: BaseRule,
    head: Head,
    tell: &mut dyn FnMut(&str),
) -> Result<FoundBase, Failure> {
    let request = git::BaseRequest {
        rule,
        head,
        fetch: repo.fetch(),
    };
    Ok(git::find_base(repo, &request, tell)?)
}

fn exact(revision: &str) -> BaseRule {
    BaseRule::Exact {
        rev: revision.to_owned(),
        origin_of_rule: String::new(),
    }
}

fn merge_base(revision: &str, origin: &str) -> BaseRule {
    BaseRule::MergeBase {
        rev: revision.to_owned(),
        origin_of_rule: origin.to_owned(),
    }
}
