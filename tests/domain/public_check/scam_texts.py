"""Texts as residents paste them: scams by type, in Chinese, English and Korean, and everyday ones."""

SCAMS = {
    "brushing": (
        "在家点赞就能赚钱，关注三个账号返60元",
        "Like and follow three accounts and get paid $20 today",
        "좋아요 누르기만 하면 수당 지급",
    ),
    "service": (
        "您好，您的快递丢失，可双倍理赔，请添加客服办理退款",
        "Your parcel was lost. Contact us for a refund and compensation",
        "고객님, 택배가 분실되어 배상해 드립니다",
    ),
    "investment": (
        "跟着导师带单，稳赚不赔",
        "Guaranteed profit with our crypto mentor",
        "원금 보장 고수익 주식 리딩방",
    ),
    "loan": (
        "无抵押低息秒到账贷款，放款前先交保证金",
        "Instant loan, no credit check",
        "무담보 당일 대출, 보증금 먼저 입금",
    ),
    "credit": (
        "您的学生贷账户需要注销，否则影响个人征信",
        "Close your student loan account or your credit record will be affected",
        "신용 기록이 영향을 받으니 학자금 대출 계정을 해지하세요",
    ),
    "shopping": (
        "平台外转账便宜两成，今天就发货",
        "Pay us outside the platform and get a discount",
        "직거래로 선입금하시면 할인해 드려요",
    ),
    "police": (
        "我是公安局的，你涉嫌洗钱，请把资金转到安全账户",
        "This is the police. There is an arrest warrant for you, pay now",
        "검찰입니다. 귀하의 계좌가 자금 세탁에 쓰였습니다",
    ),
    "acquaintance": (
        "我是你们张总，现在开会不方便，先转账5万",
        "Hi mum, my new phone number, I need you to transfer money",
        "엄마 나 폰 고장나서 급히 돈 필요해",
    ),
    "gaming": (
        "高价收游戏账号，先付押金解冻",
        "Free skins, scan the code and verify",
        "게임 계정 거래 보증금 입금",
    ),
    "romance": (
        "亲爱的，我带你在这个平台投资",
        "My love, invest on this platform with me",
        "자기야 이 플랫폼에 투자하자",
    ),
}

EVERYDAY = (
    "妈，我今晚回家吃饭，路上买点菜。",
    "【菜鸟驿站】您的包裹已到，请凭取件码 8-2-3021 取件。",
    "会议改到下午三点，二楼会议室，请带上材料。",
    "老师您好，孩子今天发烧，请假一天。",
    "您尾号 1234 的卡于 3 月 1 日消费 25.00 元。",
    "医院提醒：您预约了 3 月 5 日上午的门诊，请带好医保卡。",
    "See you at the station at six, bring the umbrella.",
    "Your parcel has arrived. Show the code 3021 at the desk.",
    "엄마, 오늘 저녁 여섯 시에 도착해요.",
    "내일 오전 열 시에 회의가 있습니다. 자료를 준비해 주세요.",
)
