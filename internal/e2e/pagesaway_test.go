package e2e

import (
	"errors"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPagesAway looks over the pages of a vehicle, of a place that asks for a declaration, of a screen at a door, and those that a phone
// shows without a network, as TestPages does the others.
func TestPagesAway(t *testing.T) {
	t.Parallel()
	in, info := demoTown(t)
	for _, as := range readers {
		t.Run(as[0]+" "+as[1], func(t *testing.T) {
			l := lookOver(t, in, as[0], as[1])
			l.vehicle()
			l.declaring()
			l.door(info)
			l.phone(info)
		})
	}
}

// vehicle looks over what a driver has, and what owners read of the trips.
func (l *looker) vehicle() {
	l.as("owner", `a[href="/places/new"]`)
	bus, code, gate := l.newPlace(l.in, "Xe khách 51B-123.45 "+l.language, "vehicle", "")
	l.forget()
	l.enrols(l.in, gate)
	l.look("driver without a trip")
	l.do("beginning a trip", chromedp.SendKeys(css("#route"), "Bến xe Nước Ngầm – Cửa Lạch – Nghi Sơn"),
		press(`.trip form[action$="/begin"] button`, `.trip form[action$="/end"] button`), chromedp.WaitVisible(css("#gate[data-ready]")))
	l.look("driver on a trip")
	l.getsOn("079000000001")
	eventually(l.t, "somebody is aboard", func() error {
		l.do("reading who is aboard", chromedp.Navigate(l.in.base+"/gate"), chromedp.WaitVisible(css(".trip b")))
		if said := l.text(".trip b"); strings.HasPrefix(said, "0") {
			return errors.New(said)
		}
		return nil
	})
	l.look("driver with somebody aboard")
	l.do("ending it", press(`.trip form[action$="/end"] button`, ".trip.idle"))
	l.look("driver between trips")
	l.as("owner", `a[href="/places/new"]`)
	l.open("turnout of trips", bus+"/turnout")
	l.open("check in at a vehicle", code)
}

// declaring looks over declarations where a place asks for one, and what its gate says of them.
func (l *looker) declaring() {
	l.as("owner", `a[href="/places/new"]`)
	_, code, gate := l.newPlace(l.in, "Bến xe phía Nam "+l.language, "bus_station", "general")
	l.forget()
	phone := map[string]string{"vi": "0912 345 688", "en": "0912 345 689"}[l.language]
	l.checksIn(code, phone)
	l.look("stamp that asks")
	l.open("check in that asks", code)
	l.follow("declare here", `a[href$="/declare"]`)
	l.send("declared nothing here", `form.declare > button:last-of-type`, refusal)
	l.send("declared here", `.quick button`, ".box.success")
	l.forget()
	l.enrols(l.in, gate)
	for _, number := range []string{phone, "0912 345 687"} {
		l.presents(number)
		l.do("waiting for how it stands", chromedp.WaitVisible(css(".answers .declared")))
		l.look("gate that asks of " + number[len(number)-3:])
	}
}

// checksIn has somebody prove their number at a code.
func (l *looker) checksIn(code, phone string) {
	l.t.Helper()
	l.do("giving a number", chromedp.Navigate(l.in.base+code), chromedp.SetValue(css("#phone"), phone),
		press(`form[action$="/phone"] button`, ".demo-code .code"))
	l.do("proving it", chromedp.SetValue(css("#code"), l.text(".demo-code .code")), press(`form[action$="/code"] button`, ".stamp"))
}

// door looks over a screen that is well, has lost its network, and shows a code no more.
func (l *looker) door(info demoInfo) {
	l.as("owner", `a[href="/places/new"]`)
	l.do("inviting a screen", chromedp.Navigate(l.in.base+"/places/"+info.Place+"/screen"), press(`form[action$="/screen"] button`, ".made .code"))
	l.look("screen invited")
	token := l.text(".made .code")
	l.forget()
	l.do("setting it up", chromedp.Navigate(l.in.base+"/gate/enrol"), chromedp.SetValue(css("#code"), token))
	l.send("screen enrolled", `form[action="/gate/enrol"] button`, `a[href="/screen"]`)
	l.do("opening it", press(`a[href="/screen"]`, ".screen-code svg"))
	l.state("ok here")
	l.look("screen")
	l.ticks(".screen-clock time")
	l.offline(true)
	l.now()
	l.state("ok lost")
	l.look("screen that is lost")
	l.do("letting the time pass", chromedp.Evaluate[chromedp.Void](`(() => { const real = Date.now; Date.now = () => real() + 100_000 })()`))
	l.state("over lost")
	l.look("screen that is over")
	l.offline(false)
	l.do("leaving it", chromedp.Navigate("about:blank")) // without a credential it would load itself anew, in the midst of what follows
}

// phone looks over the page that a phone shows without a network, and all that becomes of what it keeps.
func (l *looker) phone(info demoInfo) {
	between := newSpoiler(l.t, l.in.base)
	near := l.in
	defer func() { l.in = near }()
	far := *near
	far.base = between.URL
	l.in = &far
	l.forget()
	wall := "/q/" + info.Token
	l.checksIn(wall, map[string]string{"vi": "0912 345 698", "en": "0912 345 699"}[l.language])
	l.do("naming a child", chromedp.WaitReady(onPhone), chromedp.Navigate(l.in.base+wall+"/with"), chromedp.SetValue(css("#name"), "Bé Na"),
		press(`form[action$="/with"] button`, "button.huge"), chromedp.WaitReady(onPhone))
	between.spoil(closed)
	l.do("opening the code", chromedp.Navigate(l.in.base+wall), chromedp.WaitVisible(tapIn))
	l.look("phone alone")
	l.do("checking in", chromedp.Click(css("#part-tap input[name=with]")), chromedp.Click(tapIn), stampIs("waiting"))
	l.look("phone alone stamp")
	l.stamped("#part-stamp .now b")
	l.do("opening what is no code", chromedp.Navigate(l.in.base+"/q/ABC"), chromedp.WaitVisible(css("#part-refused")))
	l.look("phone alone refused")
	l.do("opening the list", chromedp.Navigate(l.in.base+"/q"), chromedp.WaitVisible(css("#part-list li")))
	l.look("phone keeps")
	l.do("checking in at a forged code", chromedp.Navigate(l.in.base+wall[:120]+"AAAA"+wall[124:]), chromedp.Click(tapIn), stampIs("waiting"))
	between.spoil(honestly)
	l.do("delivering it", chromedp.Evaluate[chromedp.Void](`dispatchEvent(new Event("online"))`), stampIs("refused"))
	l.look("phone stamp refused")
	between.spoil(closed)
	l.do("checking in once more", chromedp.Navigate(l.in.base+wall), chromedp.Click(tapIn), stampIs("waiting"))
	between.spoil(honestly)
	l.do("delivering that", chromedp.Evaluate[chromedp.Void](`dispatchEvent(new Event("online"))`), stampIs("delivered"))
	l.look("phone stamp delivered")
	between.spoil(closed)
	l.do("checking in a last time", chromedp.Navigate(l.in.base+wall), chromedp.Click(tapIn), stampIs("waiting"))
	l.forget()
	between.spoil(honestly)
	l.do("reading that the number has to be proved", chromedp.Navigate(l.in.base+"/q"), chromedp.WaitVisible(css("#part-list .prove")))
	l.look("phone keeps and is refused")
	l.open("check in while something waits", wall)
}
