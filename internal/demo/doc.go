// Package demo makes up a district, its people and a month of their scans, and loads it the way real scans come in.
//
// # What it is like
//
// In December 2021 Vietnamese newspapers reported of one urban district that 26 F0 found between 6 November and 2 December
// had led to about 840 F1 and 4,500 F2. The made-up district is of that order: 84,000 people in 10 wards of a port city,
// with markets, offices, factories, schools, a hospital, a bus station and what every street has. It lies nowhere: the
// names are invented, the area codes belong to no province, the phone numbers to no operator, and of nobody is there a name.
//
// The lists come out at that order because of how the people live, never because of how they are traced: nothing here
// reaches into the walk. What the walk finds is looked at twice: to isolate contacts, as the real teams did, and to make
// people fall ill in proportion to how many they meet. The shares and sizes are of the order that is usual in Vietnamese
// cities; where no figure is at hand, as for how readily people scan, it is an assumption within what is believable, and
// these were chosen so that the lists are of the order reported:
//
//   - Households have 3.5 people, about as in the Vietnamese census of 2019.
//   - About 40 in 100 inhabitants scan at all: none under 11, 10 % to 14, 70 % to 17, 62 % to 39, 48 % to 59, 20 % above.
//     Some two thirds of the Vietnamese had a smartphone in 2021, and not all who had one scanned. They make 33,000 people.
//   - Of 100 adults up to 59, 18 work in a factory hall of 60 to 115 people, 16 at a desk in a room of 15 to 44, 4 or 5 in a
//     row of five market vendors, 7 in shops, 4 or 5 in restaurants, 2 or 3 each in schools and in health care; three in
//     ten work or study outside the district, 15 in 100 stay at home. Classes have 42 pupils, as city schools do.
//   - A code with a guard beside it is scanned by nearly everybody who scans, the one on a shop's wall by every other. Each
//     person has a diligence from 0.2 to 1, and a place a probability with which even the least diligent scan: 0.75 to 0.95
//     on the door of a hall, 0.55 to 0.95 on that of an office room, 0.5 at a station, 0.45 in the hospital's departments,
//     next to nothing at market rows and shops. The entrances of sites are scanned more often than the rooms behind them.
//   - Visits take 5 to 25 minutes in shops, 25 to 80 in restaurants, a bus ride 40. Who leaves seldom checks out: 22 in 100
//     people ever do, and they for half of their stays. So most stays end where the next scan is, or by assumption.
//   - The first cases of chains are people whose work brings them together with many (see stricken), and among them somebody
//     with twice as many contacts is twice as likely to be the one. Every fourth case is a contact of an earlier one
//     who was exposed two to seven days before falling ill. Onset is 0 to 3 days before the sample, one in five has none.
//   - At the hospital, at clinics, offices of the wards and supermarkets every fourth one fills in a health declaration, of whom 2 in
//     100 feel ill, and of cases from the day of onset on 7 in 10.
//   - A case is isolated on the day after the sample, its contacts 6 to 46 hours later, in the daytime. From then on they
//     scan no more.
//
// That gives 1.3 million scans by 33,000 people, of which the default profile makes about 700 to 810 F1 and 4,150 to 4,850
// F2 with [DefaultSeed], depending on the weekday and the hour that it is. The tests hold both within a third of what was
// reported.
//
// # Time
//
// The month ends at a given now. The span of 27 days from the first positive sample to the last ends on that day. Everything
// is drawn by the number of the day and not by its date, so a district made a week later is the same district, a week later.
package demo
