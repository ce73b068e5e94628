//! All orders in which the files of two deliveries can come, each file after its own earlier version.

use super::*;

/// A file of a delivery.
type File = (usize, usize);

/// Every order of two deliveries' files in which each key's versions come in theirs: 6! / 2³.
fn orders(first: usize, second: usize) -> Vec<Vec<File>> {
    fn extend(so_far: &mut Vec<File>, (first, second): (usize, usize), all: &mut Vec<Vec<File>>) {
        if so_far.len() == 6 {
            all.push(so_far.clone());
        }
        for file in [CHUNKS[0], CHUNKS[1], MANIFEST] {
            let next = match so_far.iter().filter(|(_, found)| *found == file).count() {
                0 => (first, file),
                1 => (second, file),
                _ => continue,
            };
            so_far.push(next);
            extend(so_far, (first, second), all);
            so_far.pop();
        }
    }
    let mut all = Vec::new();
    extend(&mut Vec::new(), (first, second), &mut all);
    assert_eq!(all.len(), 90);
    all
}

const MODES: [(FileTimes, Stamp); 3] = [
    (FileTimes::Delivered, Stamp::Source),
    (FileTimes::Arriving, Stamp::Source),
    (FileTimes::Arriving, Stamp::Arrival),
];

/// Whether what is in force is one delivery.
async fn is_whole(world: &World) -> bool {
    world.total().await.is_none_or(|total| TOTALS.map(usd).contains(&total))
}

#[test]
fn in_all_orders_the_last_delivery_is_counted_in_the_end_and_no_mixture_meanwhile() {
    let deliveries = deliveries();
    for (times, stamp) in MODES {
        for (older, newer) in [(0, 1), (1, 2)] {
            for order in orders(older, newer) {
                let mut world = World::reduced(times, stamp);
                block_on(async {
                    if older > 0 {
                        world.delivered(&deliveries, 0).await;
                        world.settles().await;
                    }
                    for (delivery, file) in &order {
                        world.arrives(&deliveries, *delivery, *file).await;
                        assert!(is_whole(&world).await, "{times:?} {stamp:?} {order:?}: on the event of {file}");
                        world.sweep(9).await;
                        assert!(is_whole(&world).await, "{times:?} {stamp:?} {order:?}: after {delivery} {file}");
                    }
                    world.settles().await;
                    assert_eq!(world.total().await, Some(usd(TOTALS[newer])), "{times:?} {stamp:?} {order:?}");
                    assert_eq!(world.is_unverified().await, times == FileTimes::Arriving, "{times:?} {order:?}");
                    assert_eq!(world.told("Delivery").await, [] as [String; 0], "{times:?} {stamp:?} {order:?}");
                });
            }
        }
    }
}

#[test]
fn in_all_orders_with_hours_between_a_mixture_is_marked_and_told_and_replaced_in_the_end() {
    let deliveries = deliveries();
    let mut mixtures = 0;
    for (times, stamp) in MODES {
        for order in orders(1, 2) {
            let mut world = World::reduced(times, stamp);
            block_on(async {
                world.delivered(&deliveries, 0).await;
                world.settles().await;
                for (delivery, file) in &order {
                    world.arrives(&deliveries, *delivery, *file).await;
                    world.settles().await;
                    if !is_whole(&world).await {
                        mixtures += 1;
                        assert!(world.is_unverified().await, "{times:?} {stamp:?} {order:?}");
                        // Where times say nothing, a chunk that came before the manifest of the delivery before may
                        // be either's.
                        let is_told = !world.told("Delivery unverified").await.is_empty();
                        assert!(is_told || times == FileTimes::Arriving, "{order:?}: after {delivery} {file}");
                    }
                }
                world.settles().await;
                assert_eq!(world.total().await, Some(usd(TOTALS[2])), "{times:?} {stamp:?} {order:?}");
            });
        }
    }
    assert!(mixtures > 100, "{mixtures}");
}

#[test]
fn a_copy_that_is_not_said_to_be_one_keeps_the_last_good_numbers_or_is_exact() {
    let deliveries = deliveries();
    for order in orders(1, 2) {
        let mut world = World::reduced(FileTimes::Delivered, Stamp::Arrival);
        block_on(async {
            world.delivered(&deliveries, 0).await;
            for (delivery, file) in &order {
                world.arrives(&deliveries, *delivery, *file).await;
                world.sweep(9).await;
            }
            world.settles().await;
            let is_exact = world.total().await == Some(usd(TOTALS[2]));
            let is_told = !world.told("Delivery incomplete").await.is_empty();
            assert!(is_exact || is_told && order.last() != Some(&(2, MANIFEST)), "{order:?}");
        });
    }
}
