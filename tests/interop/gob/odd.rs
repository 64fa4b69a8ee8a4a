//! Gob that is right but not Go's: see gobserver's odd peer.

use super::{Cases, GoServer, equal, samples::inner, values::gives};
use rpcwrap_client::Error;
use rpcwrap_tests::gob_services::{
    interfaces::{AnyHolder, Holder, Square, Value},
    types::{Empty, Inner, Point, Quotient},
};
use serde::Deserialize;

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Pair {
    r#in: Inner,
    n: i64,
}

pub(super) async fn cases(cases: &mut Cases, server: &GoServer) {
    let path = "/_odd_rpc_";
    cases
        .case("odd_order_and_names", async || {
            let client = server.dial_path(path).await?;
            let pair = Pair { r#in: inner("odd", -1), n: 5 };
            gives(&client, "Odd.InnerFirst", &Empty {}, &pair).await?;
            gives(&client, "Odd.SameName", &Empty {}, &Point { x: 1, y: 2 }).await?;
            gives(&client, "Odd.InnerFirst", &Empty {}, &pair).await
        })
        .await;
    cases
        .case("odd_redefined", async || {
            let client = server.dial_path(path).await?;
            for (quo, rem) in [(3, 0), (3, 2), (4, 0)] {
                gives(&client, "Odd.Redefined", &Empty {}, &Quotient { quo, rem }).await?;
            }
            Ok(())
        })
        .await;
    for (name, x, y) in [
        ("Unnamed", 1, 2),
        ("ExplicitZero", 0, 0),
        ("LongNumbers", 3, 4),
        ("Trailing", 1, 2),
        ("TwoNumbers", 1, 2),
        ("Unused", 1, 2),
    ] {
        let method = format!("Odd.{name}");
        cases
            .case(&method, async || {
                gives(&server.dial_path(path).await?, &method, &Empty {}, &Point { x, y }).await
            })
            .await;
    }
    cases
        .case("odd_interfaces", async || {
            let client = server.dial_path(path).await?;
            let holder = Holder { v: Some(Value::Square(Square { side: 4 })) };
            gives(&client, "Odd.Split", &Empty {}, &holder).await?;
            gives(&client, "Odd.Whole", &Empty {}, &holder).await?;
            let refused: Result<AnyHolder, Error> = client.call("Odd.Split", &Empty {}).await;
            equal(refused.is_err(), true)
        })
        .await;
    cases
        .case("odd_stranger", async || {
            let client = server.dial_path(path).await?;
            gives(&client, "Odd.Stranger", &Empty {}, &6_i64).await?;
            gives(&client, "Odd.Stranger", &Empty {}, &7_i64).await?;
            gives(&client, "Odd.Int", &Empty {}, &5_i64).await?;
            gives(&client, "Odd.Strings", &Empty {}, &vec!["a".to_owned(), String::new()]).await
        })
        .await;
    cases
        .case("odd_error_with_a_body", async || {
            let client = server.dial_path(path).await?;
            for text in ["odd: with a body", "odd: with a body", "odd: nothing more for Odd.Nothing"] {
                let method = if text.ends_with("body") { "Odd.ErrorWithBody" } else { "Odd.Nothing" };
                match client.call::<_, i64>(method, &Empty {}).await {
                    Err(Error::Server { text: said, .. }) => equal(said.as_str(), text)?,
                    other => return Err(format!("{other:?}").into()),
                }
            }
            Ok(())
        })
        .await;
}
