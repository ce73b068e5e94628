//! Who appears in the sample: five teams with their people, services and agents, and what each usually spends.

use super::products::{GPT_OSS, GPT_OSS_MANTLE, HAIKU, Model, NOVA_LITE, NOVA_PRO, OPUS, SONNET};
use super::rng::Rng;

/// The account that pays.
pub(super) const PAYER: &str = "111122223333";

/// An account that uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Account {
    Prod,
    Research,
}

impl Account {
    pub(super) fn id(self) -> &'static str {
        match self {
            Self::Prod => "444455556666",
            Self::Research => "777788889999",
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Prod => "prod",
            Self::Research => "research",
        }
    }
}

/// A team and its cost center.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Team(pub(super) &'static str, pub(super) &'static str);

const SEARCH: Team = Team("search", "CC-100");
const GROWTH: Team = Team("growth", "CC-200");
const FRAUD: Team = Team("fraud", "CC-300");
const LEGAL: Team = Team("legal", "CC-400");
const PLATFORM: Team = Team("platform", "CC-500");
pub(super) const TEAMS: [Team; 5] = [SEARCH, GROWTH, FRAUD, LEGAL, PLATFORM];

/// How a caller's sessions are named.
#[derive(Clone, Copy, Debug)]
enum Session {
    /// Always the same: a person, a function, an instance.
    Always(&'static str),
    /// A pod of this deployment: new ones every day.
    Pod(&'static str),
    /// An agent's session: a new one for each piece of work.
    Agent,
}

/// A principal.
#[derive(Clone, Copy, Debug)]
enum Arn {
    User(&'static str),
    Role(&'static str, Session),
}

/// What a caller is tagged with.
#[derive(Clone, Copy, Debug)]
enum Tagged {
    /// As it should be.
    Fully(Team),
    /// With the team alone.
    TeamOnly(Team),
    /// A person: fully, and with the department from the identity provider.
    Person(Team),
    Nothing,
}

/// What a caller's spend goes into: shares of input, output, cache reads and cache writes.
pub(super) type Profile = [f64; 4];
const CHAT: Profile = [0.30, 0.55, 0.05, 0.10];
const AGENT: Profile = [0.25, 0.35, 0.20, 0.20];
const READER: Profile = [0.75, 0.25, 0.0, 0.0];

/// Someone or something that calls models.
#[derive(Debug)]
pub(super) struct Caller {
    /// From where, and as whom. People may have several.
    faces: &'static [(Account, Arn)],
    tagged: Tagged,
    /// USD on a working day, in October.
    pub(super) daily: f64,
    /// How much of that on a day of a weekend.
    pub(super) weekend: f64,
    /// The models that it uses, with shares of the spend.
    pub(super) models: &'static [(Model, f64)],
    pub(super) profile: Profile,
    /// Share of the spend that goes into reranking instead.
    pub(super) rerank: f64,
    /// Whether it runs away on the day of the story.
    pub(super) runs_away: bool,
}

const fn service(
    faces: &'static [(Account, Arn)],
    tagged: Tagged,
    daily: f64,
    models: &'static [(Model, f64)],
    profile: Profile,
) -> Caller {
    Caller { faces, tagged, daily, weekend: 0.6, models, profile, rerank: 0.0, runs_away: false }
}

const fn person(
    faces: &'static [(Account, Arn)],
    tagged: Tagged,
    daily: f64,
    models: &'static [(Model, f64)],
) -> Caller {
    Caller { faces, tagged, daily, weekend: 0.0, models, profile: CHAT, rerank: 0.0, runs_away: false }
}

/// The service whose settled day is restated.
pub(super) const SUMMARIZER: Caller = service(
    &[(Account::Prod, Arn::Role("doc-summarizer", Session::Always("doc-summarizer-handler")))],
    Tagged::Fully(LEGAL),
    45.0,
    &[(SONNET, 0.85), (NOVA_PRO, 0.15)],
    READER,
);

/// Everyone. The order is part of what a seed means: append.
pub(super) const CAST: &[Caller] = &[
    Caller {
        runs_away: true,
        ..service(
            &[(Account::Prod, Arn::Role("agent-exec", Session::Agent))],
            Tagged::Fully(SEARCH),
            57.0,
            &[(SONNET, 0.8), (HAIKU, 0.2)],
            AGENT,
        )
    },
    SUMMARIZER,
    Caller {
        rerank: 0.6,
        ..service(
            &[(Account::Prod, Arn::Role("search-ranker", Session::Pod("search-ranker")))],
            Tagged::Fully(SEARCH),
            7.0,
            &[(NOVA_LITE, 1.0)],
            READER,
        )
    },
    person(
        &[
            (
                Account::Prod,
                Arn::Role("AWSReservedSSO_Developer_3f9a1c7e5b2d8046", Session::Always("dana@example.com")),
            ),
            (
                Account::Research,
                Arn::Role("AWSReservedSSO_Researcher_b81e6d0f4c2a9357", Session::Always("Dana@Example.com")),
            ),
        ],
        Tagged::Person(SEARCH),
        10.0,
        &[(OPUS, 1.0)],
    ),
    person(
        &[(Account::Prod, Arn::Role("AWSReservedSSO_Developer_3f9a1c7e5b2d8046", Session::Always("kim@example.com")))],
        Tagged::Person(SEARCH),
        7.0,
        &[(SONNET, 1.0)],
    ),
    service(
        &[(Account::Prod, Arn::Role("campaign-writer", Session::Always("campaign-writer-nightly")))],
        Tagged::Fully(GROWTH),
        22.0,
        &[(NOVA_PRO, 0.7), (NOVA_LITE, 0.3)],
        CHAT,
    ),
    service(
        &[(Account::Prod, Arn::Role("checkout-assistant", Session::Always("checkout-assistant")))],
        Tagged::Fully(GROWTH),
        28.0,
        &[(HAIKU, 1.0)],
        CHAT,
    ),
    person(
        &[(Account::Prod, Arn::Role("AWSReservedSSO_Analyst_7d20c5b94e1f6a83", Session::Always("lee@example.com")))],
        Tagged::Person(GROWTH),
        6.0,
        &[(SONNET, 1.0)],
    ),
    service(
        &[(Account::Prod, Arn::Role("risk-copilot", Session::Pod("risk-copilot")))],
        Tagged::Fully(FRAUD),
        55.0,
        &[(SONNET, 0.8), (GPT_OSS, 0.2)],
        AGENT,
    ),
    person(
        &[(Account::Research, Arn::Role("OktaDevelopers", Session::Always("omar")))],
        Tagged::Fully(FRAUD),
        8.0,
        &[(OPUS, 1.0)],
    ),
    service(
        &[(Account::Prod, Arn::Role("contract-review", Session::Always("contract-review")))],
        Tagged::Fully(LEGAL),
        18.0,
        &[(OPUS, 1.0)],
        READER,
    ),
    person(
        &[(Account::Prod, Arn::Role("AWSReservedSSO_Analyst_7d20c5b94e1f6a83", Session::Always("ana@example.com")))],
        Tagged::Person(LEGAL),
        7.0,
        &[(SONNET, 1.0)],
    ),
    service(
        &[(Account::Prod, Arn::Role("ai-gateway", Session::Pod("ai-gateway")))],
        Tagged::Fully(PLATFORM),
        60.0,
        &[(HAIKU, 0.4), (SONNET, 0.4), (GPT_OSS_MANTLE, 0.2)],
        CHAT,
    ),
    service(
        &[(Account::Research, Arn::User("BedrockAPIKey-k3q9"))],
        Tagged::TeamOnly(PLATFORM),
        5.0,
        &[(NOVA_LITE, 1.0)],
        READER,
    ),
    person(
        &[(Account::Prod, Arn::Role("AWSReservedSSO_Admin_c46f8e2b0a917d35", Session::Always("sam@example.com")))],
        Tagged::Person(PLATFORM),
        5.0,
        &[(HAIKU, 1.0)],
    ),
    service(
        &[(Account::Research, Arn::Role("notebook-exec", Session::Always("i-0abc12de34f567890")))],
        Tagged::Nothing,
        26.0,
        &[(OPUS, 0.7), (GPT_OSS, 0.3)],
        CHAT,
    ),
];

impl Caller {
    /// From where, and as whom, one call on `day` (a number that tells days apart) comes.
    pub(super) fn appear(&self, seed: u64, day: u64, rng: &mut Rng) -> (Account, String) {
        let (account, arn) = rng.pick(self.faces).copied().unwrap_or((Account::Prod, Arn::User("nobody")));
        let id = account.id();
        let principal = match arn {
            Arn::User(name) => format!("arn:aws:iam::{id}:user/{name}"),
            Arn::Role(role, session) => {
                let session = match session {
                    Session::Always(name) => name.to_owned(),
                    Session::Agent => format!("BedrockAgentCore-{}", rng.uuid()),
                    Session::Pod(deployment) => {
                        let mut pod = Rng::of(seed, &[day, u64::from(rng.below(6))]);
                        format!("{deployment}-{}-{}", pod.hex(9), pod.text(b"bcdfghjklmnpqrstvwxz2456789", 5))
                    }
                };
                format!("arn:aws:sts::{id}:assumed-role/{role}/{session}")
            }
        };
        (account, principal)
    }

    /// The tags of its lines, in the bill's spelling.
    pub(super) fn tags(&self) -> Vec<(String, String)> {
        match self.tagged {
            Tagged::Fully(team) => principal_tags(team),
            Tagged::TeamOnly(Team(team, _)) => vec![("iamPrincipal/team".to_owned(), team.to_owned())],
            Tagged::Person(team) => person_tags(team),
            Tagged::Nothing => Vec::new(),
        }
    }
}

fn principal_tags(Team(team, cost_center): Team) -> Vec<(String, String)> {
    vec![
        ("iamPrincipal/cost-center".to_owned(), cost_center.to_owned()),
        ("iamPrincipal/team".to_owned(), team.to_owned()),
    ]
}

fn person_tags(team: Team) -> Vec<(String, String)> {
    let mut tags = principal_tags(team);
    let mut department = team.0.to_owned();
    if let Some(first) = department.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    tags.push(("userAttribute/Department".to_owned(), department));
    tags
}

/// The `index`th of those who are added when more principals are asked for: services and people in turn.
pub(super) fn extra(index: usize) -> (Account, String, Vec<(String, String)>) {
    let team = TEAMS.get(index % TEAMS.len()).copied().unwrap_or(SEARCH);
    let account = if index % 7 == 6 { Account::Research } else { Account::Prod };
    let id = account.id();
    if index.is_multiple_of(2) {
        let role = format!("{}-service-{index:03}", team.0);
        (account, format!("arn:aws:sts::{id}:assumed-role/{role}/{role}"), principal_tags(team))
    } else {
        let name = format!("{}.{index:03}@example.com", team.0);
        let role = "AWSReservedSSO_BedrockUser_5e0d7c3b9a1f2468";
        (account, format!("arn:aws:sts::{id}:assumed-role/{role}/{name}"), person_tags(team))
    }
}
