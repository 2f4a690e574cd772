"""Chinese labels of searches: the emergencies, the kinds and states of places, and how a search ends."""

from schemas.casework.searches import PlaceState, SearchEnd, SearchGround, StopGround
from schemas.people.places import PlaceKind

SEARCH_GROUNDS = {
    SearchGround.PAYING: "即将转出或交付钱款",
    SearchGround.ISOLATED: "被骗子要求独处、断联",
    SearchGround.LIFE: "人身安全有危险",
    SearchGround.MINOR: "未成年人失联",
}
STOP_GROUNDS = {
    StopGround.ELSEWHERE: "已由其他途径找到",
    StopGround.NO_EMERGENCY: "紧急情况已解除",
    StopGround.MISTAKE: "启动有误",
}
PLACE_KINDS = {
    PlaceKind.BANK_BRANCH: "银行网点",
    PlaceKind.HOTEL: "宾馆",
    PlaceKind.INTERNET_CAFE: "网吧",
    PlaceKind.USUAL: "常去地点",
    PlaceKind.OTHER: "其他地点",
}
PLACE_STATES = {
    PlaceState.OPEN: "待查找",
    PlaceState.NOT_THERE: "不在",
    PlaceState.NOT_LOOKED: "未能查找",
    PlaceState.FOUND: "已找到",
}
SEARCH_ENDS = {
    SearchEnd.FOUND: "已找到",
    SearchEnd.EXPIRED: "到期，未找到",
    SearchEnd.STOPPED: "已停止",
    SearchEnd.NOT_NEEDED: "已不需要",
}
GONE = {
    SearchEnd.FOUND: "已找到当事人，不必再找",
    SearchEnd.EXPIRED: "查找到期，不必再找",
    SearchEnd.STOPPED: "查找已停止，不必再找",
    SearchEnd.NOT_NEEDED: "预警已了结，不必再找",
}
"""What an officer is told when a search has ended."""
