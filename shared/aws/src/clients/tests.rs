use std::collections::BTreeMap;

use spend_ledger::outputs::{Message, Notifier as _, Topic};
use spend_ledger::store::Store as _;

use crate::s3_store::S3Store;
use crate::sns::Sns;
use crate::wire::{Reply, serve};

#[tokio::test]
async fn clients_of_all_services_share_their_connections() {
    let accepted = "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>";
    let missing = "<Error><Code>NoSuchKey</Code><Message>-</Message></Error>";
    let wire = serve(move |request| {
        Some(if request.method == "GET" { Reply::new(404, missing) } else { Reply::new(200, accepted) })
    })
    .await;
    let config = wire.config();
    let store = S3Store::new(&config, "bucket", "");
    let sns = Sns::new(&config, [(Topic::Alerts, "arn:aws:sns:eu-central-1:123456789012:alerts".to_owned())]);
    let message = Message {
        topic: Topic::Alerts,
        subject: "subject".to_owned(),
        body: "body".to_owned(),
        attributes: BTreeMap::new(),
    };
    assert_eq!(store.get("a").await.unwrap(), None);
    sns.send(&message).await.unwrap();
    assert_eq!(store.get("b").await.unwrap(), None);
    assert_eq!(wire.requests().len(), 3);
    assert_eq!(wire.connections(), 1);
}
