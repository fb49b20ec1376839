package demo

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/qrgen"
)

// Some places are left sooner than their kind says, and their owners said so: a morning at school, a ride across town.
const (
	dwellLesson int64 = 270 * minute
	dwellBus    int64 = 40 * minute
)

// vendorsToRow is how many vendors stand at one row of stalls and share its code.
const vendorsToRow = 5

func (t *town) buildMarkets(vendors int) {
	open := hours{allDays, clock(4, 0), clock(18, 0)}
	rows := per(vendors, vendorsToRow*len(t.wards), 8)
	for w, name := range t.wardNames {
		org := t.organisation("Ban quản lý chợ " + name)
		m := t.site(org, qrgen.KindMarket, "Chợ "+name, spot{ward: w, hours: open, gate: 0.15, inside: 0.02})
		for i := range rows {
			subject := t.words.subjects[i*len(t.words.subjects)/rows]
			row := t.part(m, qrgen.KindStall, fmt.Sprintf("Dãy %d (%s)", i+1, subject), 0)
			t.seat(roleVendor, row, vendorsToRow)
		}
		t.markets = append(t.markets, m)
	}
}

// buildOffices makes buildings of five or six work rooms of 15 to 44 desks and two or three meeting rooms. In some of them
// the rooms' codes are taken seriously, in most they are not.
func (t *town) buildOffices(workers int) {
	open := hours{monToSat, clock(6, 30), clock(19, 0)}
	for i := 0; len(t.desks[roleOffice]) < workers; i++ {
		name := t.company()
		org := t.organisation("Công ty cổ phần " + pick(t.d, t.words.trades) + " " + name)
		site := t.site(org, qrgen.KindOffice, "Toà nhà "+name, spot{
			ward: t.ward(i), hours: open, gate: 0.3 + 0.4*t.d.share(), inside: 0.55 + 0.4*t.d.share(),
		})
		for r := range t.d.between(5, 6) {
			room := t.part(site, qrgen.KindOffice, fmt.Sprintf("Phòng %d%02d", r/2+1, r%2+1), 0)
			t.seat(roleOffice, room, t.d.between(15, 44))
		}
		for _, meeting := range t.words.meetings[:t.d.between(2, 3)] {
			t.meetings[site] = append(t.meetings[site], t.part(site, qrgen.KindMeetingRoom, meeting, 0))
		}
	}
}

// buildFactories makes factories of 8 to 12 halls with 60 to 115 people each.
func (t *town) buildFactories(workers int) {
	open := hours{monToSat, clock(6, 0), clock(18, 0)}
	for i := 0; len(t.desks[roleFactory]) < workers; i++ {
		product := pick(t.d, t.words.products)
		name := t.company()
		org := t.organisation("Công ty TNHH " + product + " " + name)
		site := t.site(org, qrgen.KindFactory, "Nhà máy "+product+" "+name, spot{
			ward: t.ward(3 * i), hours: open, gate: 0.6 + 0.3*t.d.share(), inside: 0.75 + 0.2*t.d.share(),
		})
		for h := range t.d.between(8, 12) {
			if len(t.desks[roleFactory]) >= workers {
				break
			}
			hall := t.part(site, qrgen.KindFactory, fmt.Sprintf("Xưởng %d", h+1), 0)
			t.seat(roleFactory, hall, t.d.between(60, 115))
		}
	}
}

// buildSchools makes high schools, secondary schools and primary schools, each with classrooms and a staff room. Pupils
// of primary schools do not scan, their teachers do.
func (t *town) buildSchools(workers map[role]int) {
	levels := []struct {
		name    string
		pupils  role
		class   int // pupils to a class
		classes int // to a school, at most
		days    days
	}{
		{"Trường THPT", roleHighPupil, 42, 30, monToSat},
		{"Trường THCS", rolePupil, 42, 24, monToFri},
		{"Trường tiểu học", roleChild, 38, 24, monToFri},
	}
	n := 0
	for _, level := range levels {
		for left := per(workers[level.pupils], level.class, 1); left > 0; n++ {
			name := level.name + " " + t.wardNames[t.ward(n)]
			site := t.site(t.organisation(name), qrgen.KindSchool, name, spot{
				ward: t.ward(n), hours: hours{level.days, clock(6, 0), clock(18, 0)}, gate: 0.5, inside: 0.5 + 0.4*t.d.share(),
			})
			staff := t.part(site, qrgen.KindSchool, "Phòng hội đồng", 0)
			for c := range min(left, level.classes) {
				room := t.part(site, qrgen.KindSchool, fmt.Sprintf("Phòng học %d", c+1), dwellLesson)
				if level.pupils != roleChild {
					t.seat(level.pupils, room, level.class)
				}
				t.seat(roleTeacher, staff, 2)
			}
			left -= min(left, level.classes)
		}
	}
}

func (t *town) buildHospital(staff int) {
	org := t.organisation(hospitalName)
	t.hospital = t.site(org, qrgen.KindHospital, hospitalName, spot{
		hours: hours{allDays, 0, day}, gate: 0.85, inside: 0.45,
	})
	for _, name := range t.words.departments {
		room := t.part(t.hospital, qrgen.KindHospital, name, 0)
		t.seat(roleMedic, room, per(staff*3/4, len(t.words.departments), 2))
	}
}

// buildStreets makes what every ward has along its streets: its office, clinics, a place of worship, shops, restaurants.
func (t *town) buildStreets(workers map[role]int) {
	trade := hours{allDays, clock(6, 30), clock(21, 30)}
	for w, name := range t.wardNames {
		office := t.site(t.organisation("UBND phường "+name), qrgen.KindPublicService, "Trụ sở UBND phường "+name,
			spot{ward: w, hours: hours{monToFri, clock(7, 30), clock(17, 0)}, gate: 0.5, inside: 0.5})
		t.wardDesk = append(t.wardDesk, office)
		traders := t.organisation("Hội tiểu thương phường " + name)
		temple := t.site(t.organisation("Ban hộ tự chùa "+name), qrgen.KindWorship, "Chùa "+name,
			spot{ward: w, hours: hours{allDays, clock(5, 0), clock(20, 0)}, gate: 0.1, inside: 0.1})
		t.worship = append(t.worship, temple)
		for range 2 {
			clinic := t.site(traders, qrgen.KindClinic, pick(t.d, t.words.clinics)+" "+t.company(),
				spot{ward: w, hours: hours{monToSat, clock(7, 0), clock(19, 0)}, gate: 0.5, inside: 0.5})
			t.clinics = append(t.clinics, clinic)
			t.seat(roleMedic, clinic, per(workers[roleMedic]/4, 2*len(t.wardNames), 2))
		}
		t.shops = append(t.shops, t.row(w, traders, qrgen.KindShop, t.words.shops, trade,
			per(workers[roleShop], 5*len(t.wardNames), 4), roleShop))
		t.eats = append(t.eats, t.row(w, traders, qrgen.KindRestaurant, t.words.eats, trade,
			per(workers[roleEats], 7*len(t.wardNames), 4), roleEats))
	}
}

// row makes n shops or restaurants of a ward, with four or five people working in each.
func (t *town) row(w int, org uuid.UUID, kind qrgen.Kind, names []string, open hours, n int, staff role) []int32 {
	sites := make([]int32, n)
	for i := range sites {
		sites[i] = t.site(org, kind, pick(t.d, names)+" "+pick(t.d, t.words.flowers), spot{ward: w, hours: open})
		t.seat(staff, sites[i], t.d.between(4, 5))
	}
	return sites
}

func (t *town) buildSupermarkets() {
	org := t.organisation("Công ty cổ phần Siêu thị Sao Biển")
	for i := range per(len(t.wards), 3, 1) {
		site := t.site(org, qrgen.KindSupermarket, "Siêu thị Sao Biển "+t.wardNames[t.ward(3*i+1)], spot{
			ward: t.ward(3*i + 1), hours: hours{allDays, clock(8, 0), clock(21, 30)}, gate: 0.5, inside: 0.01,
		})
		for _, name := range []string{"Khu thực phẩm tươi", "Khu đồ khô", "Khu gia dụng", "Quầy thu ngân"} {
			t.part(site, qrgen.KindSupermarket, name, 0)
		}
		t.supers = append(t.supers, site)
	}
}

// buildStation makes the bus station and its vehicles, which stand on their own: where they are, nobody's code says.
func (t *town) buildStation(drivers int) {
	org := t.organisation("Công ty cổ phần Xe khách Cửa Lạch")
	w := t.ward(4)
	t.station = t.site(org, qrgen.KindBusStation, "Bến xe Cửa Lạch", spot{
		ward: w, hours: hours{allDays, clock(4, 30), clock(21, 0)}, gate: 0.5, inside: 0.05,
	})
	for _, name := range []string{"Phòng chờ", "Quầy vé", "Khu gửi hàng"} {
		t.part(t.station, qrgen.KindBusStation, name, 0)
	}
	lines := t.words.destinations
	for i := range per(drivers, 2, 4) {
		line := i % len(lines)
		bus := t.site(org, qrgen.KindVehicle, fmt.Sprintf("Xe buýt tuyến %d, xe số %d (%s)", line+1, i/len(lines)+1, lines[line]), spot{
			ward: w, hours: hours{allDays, clock(5, 0), clock(21, 30)}, gate: 0.35, inside: 0.35,
		})
		t.places[bus].Dwell, t.places[bus].Address = dwellBus, t.places[t.station].Address
		t.buses, t.lines[bus] = append(t.buses, bus), lines[line]
		t.seat(roleDriver, bus, 2)
	}
}
