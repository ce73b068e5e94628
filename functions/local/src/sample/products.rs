//! What is sold: models with their prices and how the bill spells them, and the services that are not Bedrock.
//!
//! Prices are of the order of the public list prices, in USD; nothing depends on their being right.

/// The product family of every Bedrock line since 20 July 2026.
/// Source: AWS, "AWS Data Exports now includes Amazon Bedrock product metadata", July 2026.
pub(super) const BEDROCK: &str = "Amazon Bedrock";

/// Who sells it: the bill's billing entity, with all that follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seller {
    Aws,
    /// AWS Marketplace, for the seller of this name.
    Marketplace(&'static str),
}

/// One thing with one price.
#[derive(Clone, Debug)]
pub(super) struct Sku {
    pub(super) seller: Seller,
    pub(super) product_code: &'static str,
    /// Empty for Marketplace, as observed in live exports.
    pub(super) service_code: &'static str,
    pub(super) family: &'static str,
    pub(super) usage_type: String,
    /// The operation, unless it is an inference, which may be streamed.
    pub(super) operation: Option<&'static str>,
    pub(super) description: String,
    pub(super) unit: &'static str,
    /// USD per unit.
    pub(super) rate: f64,
    /// How many countable pieces (tokens, requests) a unit has.
    pub(super) pieces: f64,
    /// The `product` map.
    pub(super) product: Vec<(String, String)>,
    /// What stands behind `arn:aws:SERVICE:us-east-1:ACCOUNT:`; a leading `:` leaves the account out.
    pub(super) resource: &'static str,
}

/// What is counted of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tokens {
    Input,
    Output,
    CacheRead,
    CacheWrite,
}

impl Tokens {
    pub(super) const ALL: [Self; 4] = [Self::Input, Self::Output, Self::CacheRead, Self::CacheWrite];

    /// As the `product` map's `inference_type` and Marketplace's descriptions say it.
    fn name(self) -> &'static str {
        match self {
            Self::Input => "Input tokens",
            Self::Output => "Output tokens",
            Self::CacheRead => "Cache read input tokens",
            Self::CacheWrite => "Cache write input tokens",
        }
    }
}

/// How the bill spells a model's usage types.
#[derive(Clone, Copy, Debug)]
enum Spelling {
    /// Marketplace up to Claude 4.6: the same for every model.
    MarketplaceCount,
    /// The same, served in any region.
    MarketplaceCountGlobal,
    /// Marketplace from Claude 4.7 on.
    MarketplaceTokens,
    /// AWS's own: in thousands of tokens, with this name of the model.
    Aws(&'static str),
    /// AWS's own for the newer endpoint: in millions of tokens.
    AwsMantle(&'static str),
}

/// A model and its prices.
#[derive(Debug)]
pub(super) struct Model {
    name: &'static str,
    provider: &'static str,
    product_code: &'static str,
    spelling: Spelling,
    resource: &'static str,
    /// USD per million tokens, in the order of [`Tokens::ALL`]; 0 is not sold.
    prices: [f64; 4],
}

pub(super) const SONNET: Model = Model {
    name: "Claude Sonnet 4.6",
    provider: "Anthropic",
    product_code: "6v7w5mz0q3rkd1p8x2n4c9jth",
    spelling: Spelling::MarketplaceCount,
    resource: "inference-profile/us.anthropic.claude-sonnet-4-6",
    prices: [3.0, 15.0, 0.3, 3.75],
};
pub(super) const HAIKU: Model = Model {
    name: "Claude Haiku 4.5",
    provider: "Anthropic",
    product_code: "2k8f0dy6t1nq9xw4r5hbz7mvc",
    spelling: Spelling::MarketplaceCountGlobal,
    resource: "inference-profile/global.anthropic.claude-haiku-4-5-20251001-v1:0",
    prices: [1.0, 5.0, 0.1, 1.25],
};
pub(super) const OPUS: Model = Model {
    name: "Claude Opus 4.7",
    provider: "Anthropic",
    product_code: "9c3xj5t7b0zq2w8mk6ypv1d4n",
    spelling: Spelling::MarketplaceTokens,
    resource: ":foundation-model/anthropic.claude-opus-4-7",
    prices: [5.0, 25.0, 0.5, 6.25],
};
pub(super) const NOVA_LITE: Model = Model {
    name: "Nova Lite",
    provider: "Amazon",
    product_code: "AmazonBedrock",
    spelling: Spelling::Aws("NovaLite"),
    resource: ":foundation-model/amazon.nova-lite-v1:0",
    prices: [0.06, 0.24, 0.015, 0.0],
};
pub(super) const NOVA_PRO: Model = Model {
    name: "Nova Pro",
    provider: "Amazon",
    product_code: "AmazonBedrock",
    spelling: Spelling::Aws("NovaPro"),
    resource: ":foundation-model/amazon.nova-pro-v1:0",
    prices: [0.8, 3.2, 0.2, 0.0],
};
pub(super) const GPT_OSS: Model = Model {
    name: "gpt-oss-120b",
    provider: "OpenAI",
    product_code: "AmazonBedrock",
    spelling: Spelling::Aws("gpt-oss-120b"),
    resource: ":foundation-model/openai.gpt-oss-120b-1:0",
    prices: [0.15, 0.6, 0.0, 0.0],
};
pub(super) const GPT_OSS_MANTLE: Model =
    Model { product_code: "AmazonBedrockService", spelling: Spelling::AwsMantle("openai.gpt-oss-120b"), ..GPT_OSS };

impl Model {
    /// USD per million tokens, unless they are not sold.
    pub(super) fn price(&self, tokens: Tokens) -> Option<f64> {
        Tokens::ALL
            .iter()
            .zip(self.prices)
            .find(|(kind, price)| **kind == tokens && *price > 0.0)
            .map(|(_, price)| price)
    }

    /// These tokens of this model, as the bill sells them.
    pub(super) fn sku(&self, tokens: Tokens) -> Sku {
        let price = self.price(tokens).unwrap_or_default();
        let (unit, pieces) = match self.spelling {
            Spelling::Aws(_) => ("1K tokens", 1_000.0),
            Spelling::AwsMantle(_) => ("1M tokens", 1_000_000.0),
            _ => ("Units", 1_000_000.0),
        };
        let rate = price * pieces / 1_000_000.0;
        let is_aws = matches!(self.spelling, Spelling::Aws(_) | Spelling::AwsMantle(_));
        let product_name =
            if is_aws { "Amazon Bedrock".to_owned() } else { format!("{} (Amazon Bedrock Edition)", self.name) };
        let product = [
            ("feature", "On-demand Inference"),
            ("inference_type", tokens.name()),
            ("model", self.name),
            ("product_name", &product_name),
            ("provider", self.provider),
            ("region", "us-east-1"),
            ("servicename", &product_name),
        ];
        Sku {
            seller: if is_aws { Seller::Aws } else { Seller::Marketplace("Anthropic, PBC") },
            product_code: self.product_code,
            service_code: if is_aws { self.product_code } else { "" },
            family: BEDROCK,
            usage_type: self.usage_type(tokens),
            operation: None,
            description: match self.spelling {
                Spelling::MarketplaceTokens => {
                    format!("AWS Marketplace software usage|us-east-1|{} - Standard", tokens.name())
                }
                _ if is_aws => format!("${rate} per {unit}, {} of {}", tokens.name().to_lowercase(), self.name),
                _ => format!("AWS Marketplace software usage|us-east-1|Million {}", tokens.name()),
            },
            unit,
            rate,
            pieces,
            product: owned(&product),
            resource: self.resource,
        }
    }

    fn usage_type(&self, tokens: Tokens) -> String {
        let count = match tokens {
            Tokens::Input => "InputTokenCount",
            Tokens::Output => "OutputTokenCount",
            Tokens::CacheRead => "CacheReadInputTokenCount",
            Tokens::CacheWrite => "CacheWriteInputTokenCount",
        };
        let dashed = match tokens {
            Tokens::Input => "input-tokens",
            Tokens::Output => "output-tokens",
            Tokens::CacheRead => "cache-read-input-token-count",
            Tokens::CacheWrite => "cache-write-input-token-count",
        };
        let standard = match tokens {
            Tokens::Input => "input_tokens_standard",
            Tokens::Output => "output_tokens_standard",
            Tokens::CacheRead => "cache_read_tokens_standard",
            Tokens::CacheWrite => "cache_write_tokens_standard",
        };
        match self.spelling {
            Spelling::MarketplaceCount => format!("USE1-MP:USE1_{count}-Units"),
            Spelling::MarketplaceCountGlobal => format!("USE1-MP:USE1_{count}_Global-Units"),
            Spelling::MarketplaceTokens => format!("USE1-MP:USE1_{standard}-Units"),
            Spelling::Aws(name) => format!("USE1-{name}-{dashed}"),
            Spelling::AwsMantle(name) => format!("USE1-{name}-mantle-{dashed}-standard"),
        }
    }
}

fn owned(map: &[(&str, &str)]) -> Vec<(String, String)> {
    map.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// A thing that AWS sells itself and that is no model.
struct Thing {
    product_code: &'static str,
    service: &'static str,
    family: &'static str,
    usage_type: &'static str,
    operation: &'static str,
    unit: &'static str,
    rate: f64,
    pieces: f64,
    resource: &'static str,
}

impl Thing {
    fn sku(&self) -> Sku {
        Sku {
            seller: Seller::Aws,
            product_code: self.product_code,
            service_code: self.product_code,
            family: self.family,
            usage_type: self.usage_type.to_owned(),
            operation: Some(self.operation),
            description: format!("${} per {} of {}", self.rate, self.unit, self.usage_type),
            unit: self.unit,
            rate: self.rate,
            pieces: self.pieces,
            product: owned(&[("product_name", self.service), ("region", "us-east-1"), ("servicename", self.service)]),
            resource: self.resource,
        }
    }
}

/// Reranking: an inference, paid per search unit.
pub(super) fn rerank() -> Sku {
    let mut sku = Thing {
        product_code: "AmazonBedrock",
        service: "Amazon Bedrock",
        family: BEDROCK,
        usage_type: "USE1-AmazonRerank-v1-searchunits",
        operation: "",
        unit: "Search Units",
        rate: 0.001,
        pieces: 1.0,
        resource: ":foundation-model/amazon.rerank-v1:0",
    }
    .sku();
    sku.operation = None;
    sku.product.extend(owned(&[("feature", "Rerank"), ("model", "Rerank v1"), ("provider", "Amazon")]));
    sku
}

/// Guardrails, which the bill attributes to nobody.
pub(super) fn guardrail() -> Sku {
    let mut sku = Thing {
        product_code: "AmazonBedrock",
        service: "Amazon Bedrock",
        family: BEDROCK,
        usage_type: "USE1-Guardrail-ContentPolicyUnitsConsumed",
        operation: "ApplyGuardrail",
        unit: "1K TextUnits",
        rate: 0.15,
        pieces: 1_000.0,
        resource: "guardrail/q7x2m4k9p1zt",
    }
    .sku();
    sku.product.extend(owned(&[("feature", "Guardrails"), ("provider", "Amazon")]));
    sku
}

/// What an agent's runtime consumes, which the bill attributes to nobody; it has no model.
pub(super) fn agentcore() -> [Sku; 2] {
    [
        ("USE1-AgentCore-Runtime-vCPU-Consumption", "vCPU-Hours", 0.0895),
        ("USE1-AgentCore-Runtime-Memory-Consumption", "GB-Hours", 0.009_45),
    ]
    .map(|(usage_type, unit, rate)| {
        let mut sku = Thing {
            product_code: "AmazonBedrockAgentCore",
            service: "Amazon Bedrock AgentCore",
            family: BEDROCK,
            usage_type,
            operation: "Runtime",
            unit,
            rate,
            pieces: 3_600.0,
            resource: "runtime/search_agent-Xk29fPq7Lm",
        }
        .sku();
        sku.product.extend(owned(&[("feature", "AgentCore Runtime"), ("provider", "Amazon")]));
        sku
    })
}

/// What else is on the bill, with a usual amount per row. The last is no Bedrock although it is Claude.
pub(super) fn others() -> Vec<(Sku, f64)> {
    let things = [
        (
            [
                "AmazonEC2",
                "Amazon Elastic Compute Cloud",
                "Compute Instance",
                "USE1-BoxUsage:m7g.xlarge",
                "RunInstances",
            ],
            ("Hrs", 0.1632, 1.0, "instance/i-0f3c5a7e9b1d24680"),
            1.0,
        ),
        (
            ["AmazonEC2", "Amazon Elastic Compute Cloud", "Storage", "USE1-EBS:VolumeUsage.gp3", "CreateVolume-Gp3"],
            ("GB-Mo", 0.08, 1_000_000.0, "volume/vol-0a1b2c3d4e5f67890"),
            0.7,
        ),
        (
            ["AmazonEC2", "Amazon Elastic Compute Cloud", "NAT Gateway", "USE1-NatGateway-Hours", "NatGateway"],
            ("Hrs", 0.045, 1.0, "natgateway/nat-0d9c8b7a6f5e43210"),
            1.0,
        ),
        (
            ["AmazonS3", "Amazon Simple Storage Service", "Storage", "USE1-TimedStorage-ByteHrs", "StandardStorage"],
            ("GB-Mo", 0.023, 1_000_000.0, ":example-documents"),
            12.0,
        ),
        (
            ["AmazonS3", "Amazon Simple Storage Service", "API Request", "USE1-Requests-Tier1", "PutObject"],
            ("Requests", 0.000_005, 1.0, ":example-documents"),
            9_000.0,
        ),
        (
            ["AWSLambda", "AWS Lambda", "Serverless", "USE1-Lambda-GB-Second-ARM", "Invoke"],
            ("Lambda-GB-Second", 0.000_013_333_4, 1_000.0, "function:checkout-assistant"),
            5_000.0,
        ),
        (
            ["AmazonCloudWatch", "AmazonCloudWatch", "Metric", "USE1-CW:MetricMonitorUsage", "MetricStorage"],
            ("Metrics", 0.3, 1_000_000.0, ""),
            0.2,
        ),
        (
            ["AmazonCloudWatch", "AmazonCloudWatch", "Data Payload", "USE1-DataProcessing-Bytes", "PutLogEvents"],
            ("GB", 0.5, 1_000_000.0, "log-group:/app/checkout"),
            0.3,
        ),
    ];
    let mut others: Vec<_> = things
        .into_iter()
        .map(|([product_code, service, family, usage_type, operation], (unit, rate, pieces, resource), amount)| {
            let thing = Thing { product_code, service, family, usage_type, operation, unit, rate, pieces, resource };
            (thing.sku(), amount)
        })
        .collect();
    let claude_platform = Sku {
        seller: Seller::Marketplace("Anthropic, PBC"),
        product_code: "5tq1z8n3w6y0dk7rc2xm9vbjh",
        service_code: "",
        family: "",
        usage_type: "Global-MP:claude_consumption_units-Units".to_owned(),
        operation: Some("Usage"),
        description: "AWS Marketplace software usage|Global|Claude Consumption Units".to_owned(),
        unit: "Units",
        rate: 0.01,
        pieces: 1.0,
        product: owned(&[("product_name", "Claude Platform on AWS"), ("servicename", "Claude Platform on AWS")]),
        resource: "",
    };
    others.push((claude_platform, 8.0));
    others
}
