package demo

import "strconv"

// The district lies nowhere: the names below are put together so that they sound like a port city, and the area codes
// are ones that no province has.
const (
	cityCode     = "99"
	cityName     = "Thành phố Cảng Sao"
	districtCode = "999"
	districtName = "Quận Cửa Lạch"
	hospitalName = "Bệnh viện quận Cửa Lạch"
)

// wardNames has a name for each ward; a district has at most as many wards.
func wardNames() []string {
	return []string{
		"Bến Gạo", "Hàng Dừa", "Cầu Sứ", "Vạn Chài", "Lạch Đông",
		"Đình Hạ", "Trại Muối", "Gò Nhãn", "Sông Con", "Hải Vọng",
	}
}

// words are what the names of places are put together from.
type words struct {
	streets, first, second, trades, products, shops, eats, flowers, subjects, clinics, departments, destinations, meetings []string
	laboratory                                                                                                             string
}

func newWords() words {
	return words{
		streets: []string{
			"Bến Thóc", "Hàng Muối", "Lò Đường", "Chợ Cũ", "Cây Gạo", "Đê Ngoài", "Giếng Đá", "Hàng Cói", "Kho Dầu", "Kè Đá",
			"Lưới Chài", "Mắm Tôm", "Nhà Đèn", "Ngõ Than", "Phao Số Ba", "Thuyền Buồm", "Xóm Neo", "Vườn Nhãn", "Đò Ngang", "Hải Đăng",
		},
		first:    []string{"An", "Bảo", "Cát", "Đại", "Gia", "Hải", "Hưng", "Khánh", "Lộc", "Mộc", "Ngọc", "Phúc", "Tân", "Thịnh", "Vạn", "Xuân"},
		second:   []string{"Bến", "Châu", "Điền", "Đông", "Khê", "Lạch", "Lâm", "Mây", "Neo", "Phao", "Sao", "Thạch", "Triều", "Vọng"},
		trades:   []string{"Vận tải biển", "Kho vận", "Giao nhận", "Phần mềm", "Thiết kế", "Bảo hiểm", "Kế toán", "Quảng cáo", "Xuất nhập khẩu", "Xây dựng", "Địa ốc", "Du lịch"},
		products: []string{"May mặc", "Giày da", "Điện tử", "Bao bì", "Thuỷ sản", "Đồ gỗ", "Cơ khí", "Nhựa"},
		shops:    []string{"Tạp hoá", "Nhà thuốc", "Tiệm vải", "Hiệu sách", "Điện máy", "Cắt tóc", "Sửa xe", "Tiệm bánh", "Đồ gia dụng", "Điện thoại"},
		eats:     []string{"Phở", "Bún cá", "Cơm bình dân", "Bánh đa", "Cà phê", "Lẩu", "Cháo", "Hải sản"},
		flowers: []string{
			"Hoa Giấy", "Hoa Muống", "Sen Hồng", "Phượng Vĩ", "Mai Vàng", "Nhài", "Dạ Hương", "Cúc Biển", "Ban Trắng", "Lộc Vừng",
			"Bằng Lăng", "Sứ Trắng", "Hướng Dương", "Mẫu Đơn", "Tầm Xuân", "Thạch Thảo",
		},
		subjects: []string{"Rau", "Cá", "Thịt", "Gạo", "Hoa quả", "Khô", "Gia vị", "Vải", "Giày dép", "Bát đĩa"},
		clinics:  []string{"Phòng khám đa khoa", "Phòng khám nhi", "Phòng khám răng", "Phòng khám mắt"},
		departments: []string{
			"Khoa Khám bệnh", "Khoa Cấp cứu", "Khoa Nội tổng hợp", "Khoa Ngoại", "Khoa Nhi", "Khoa Sản", "Khoa Tim mạch", "Khoa Hô hấp",
			"Khoa Mắt", "Khoa Tai Mũi Họng", "Khoa Răng Hàm Mặt", "Khoa Xét nghiệm", "Khoa Chẩn đoán hình ảnh", "Khoa Dược",
			"Khoa Phục hồi chức năng", "Khoa Truyền nhiễm",
		},
		destinations: []string{"Ga Đầu Mối", "Cảng Ngoài", "Khu công nghiệp Đồng Sậy", "Bãi tắm Hòn Nghé", "Đại học Cảng Sao", "Chợ Đầu Mối"},
		meetings:     []string{"Phòng họp lớn", "Phòng họp nhỏ", "Phòng đào tạo"},
		laboratory:   "CL",
	}
}

// personName makes up the name of the person at a position, of parts that many Vietnamese have in theirs. Names come again, as
// they do.
func personName(position int) string {
	family := []string{"Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Phan", "Vũ", "Đặng", "Bùi", "Đỗ", "Hồ"}
	middle := []string{"Thị", "Văn", "Minh", "Thanh", "Ngọc", "Hữu", "Thu"}
	given := []string{"An", "Bình", "Chi", "Dũng", "Giang", "Hạnh", "Khoa", "Linh", "Nam", "Oanh", "Phúc", "Quân", "Sơn", "Thảo", "Uyên", "Việt", "Yến"}
	return family[position%len(family)] + " " + middle[position%len(middle)] + " " + given[position%len(given)]
}

// namer makes names that come once only.
type namer struct{ used map[string]int }

func (n *namer) once(name string) string {
	n.used[name]++
	if times := n.used[name]; times > 1 {
		return n.once(name + " " + strconv.Itoa(times))
	}
	return name
}
